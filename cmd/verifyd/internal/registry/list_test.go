package registry

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/verify/merkle"
)

// withReceipt is a registry with the receipts of so many claims.
func withReceipt(t *testing.T, n byte) (*Registry, []Claim) {
	t.Helper()
	r := fresh(t)
	var claims []Claim
	for i := range n {
		c := Claim{Slot{Job: merkle.Hash{1}, Slot: uint32(i)}, merkle.Hash{'c', i}}
		if _, err := r.Assign(c.Slot, merkle.Hash{}, give("assignment")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Receive(c.Slot, c.Digest, give("receipt")); err != nil {
			t.Fatal(err)
		}
		claims = append(claims, c)
	}
	return r, claims
}

// of is the digest of a list that differs in something chosen, and in its time.
func of(chosen byte) func(frozen int64) (merkle.Hash, error) {
	return func(frozen int64) (merkle.Hash, error) { return merkle.Hash{chosen, byte(frozen)}, nil }
}

func TestAClaimIsOnOneListEver(t *testing.T) {
	r, c := withReceipt(t, 4)
	if at, err := r.Freeze(c[:2], 100, of('a')); at != 100 || err != nil {
		t.Fatal(at, err)
	}
	if at, err := r.Freeze(c[:2], 200, of('a')); at != 100 || err != nil {
		t.Errorf("the same list again is frozen at %d, %v", at, err)
	}
	for name, claims := range map[string][]Claim{"the same claims": c[:2], "one of them": c[1:2], "one among others": {c[2], c[0], c[3]}} {
		if _, err := r.Freeze(claims, 100, of('b')); ClassOf(err) != Given {
			t.Errorf("%s on a second list: %v", name, err)
		}
	}
	// What was refused left nothing.
	if at, err := r.Freeze(c[2:], 300, of('b')); at != 300 || err != nil {
		t.Errorf("the claims that are free: %d, %v", at, err)
	}
	if report := sound(t, r, "with lists"); report.Listed != 4 {
		t.Errorf("%+v", report)
	}
}

func TestOnlyAClaimThatWasReceivedIsListed(t *testing.T) {
	r, c := withReceipt(t, 1)
	other := c[0]
	other.Digest[5]++
	unknown := c[0]
	unknown.Slot.Slot = 9
	for name, claim := range map[string]Claim{"another claim of the slot": other, "a slot without a receipt": unknown} {
		if _, err := r.Freeze([]Claim{c[0], claim}, 100, of('a')); ClassOf(err) != NotReceived {
			t.Errorf("%s: %v", name, err)
		}
	}
	failed := errors.New("no list")
	if _, err := r.Freeze(c, 100, func(int64) (merkle.Hash, error) { return merkle.Hash{}, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	if at, err := r.Freeze(c, 101, of('a')); at != 101 || err != nil {
		t.Errorf("%d, %v", at, err)
	}
}

// TestAListThatACrashCutShortIsMadeWhole wherever between its claims the crash
// was: its time is the one that was said at first.
func TestAListThatACrashCutShortIsMadeWhole(t *testing.T) {
	for kept := range 3 {
		r, c := withReceipt(t, 3)
		if _, err := r.Freeze(c, 100, of('a')); err != nil {
			t.Fatal(err)
		}
		for _, lost := range c[kept:] {
			if err := os.Remove(filepath.Join(r.dir, lists, listedName(lost.Digest).String())); err != nil {
				t.Fatal(err)
			}
		}
		want := int64(100)
		if kept == 0 {
			want = 250
		}
		if at, err := r.Freeze(c, 250, of('a')); at != want || err != nil {
			t.Errorf("%d of 3 kept: frozen at %d, %v", kept, at, err)
		}
		if kept > 0 {
			if _, err := r.Freeze(c[:1], 250, of('b')); ClassOf(err) != Given {
				t.Errorf("%d of 3 kept: another list: %v", kept, err)
			}
		}
	}
}

func TestADamagedPlaceOnAListIsAnError(t *testing.T) {
	r, c := withReceipt(t, 2)
	if _, err := r.Freeze(c, 100, of('a')); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, lists, listedName(c[0].Digest).String())
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Freeze(c, 100, of('a')); ClassOf(err) != Damaged {
		t.Error(err)
	}
	if _, err := Check(t.Context(), r.dir); ClassOf(err) != Damaged {
		t.Error(err)
	}
}
