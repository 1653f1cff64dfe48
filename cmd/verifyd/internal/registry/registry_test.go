package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/verify/merkle"
)

func fresh(t testing.TB) *Registry {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	if err := Init(dir); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func give(text string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(text), nil }
}

func TestThereIsOneOfEachEver(t *testing.T) {
	r := fresh(t)
	for _, a := range life {
		if file, err := a.do(r, 'a', give(a.what)); err != nil || string(file) != a.what {
			t.Fatalf("%s: %q, %v", a.what, file, err)
		}
		again := a.what
		if file, err := a.do(r, 'a', give("another")); err != nil || string(file) != again {
			t.Errorf("%s again: %q, %v", a.what, file, err)
		}
		if file, err := a.do(r, 'b', give("another")); a.what != "registration" && (ClassOf(err) != Given || file != nil) {
			t.Errorf("a second %s: %q, %v", a.what, file, err)
		}
	}
	if all, err := r.Receipts(slot); err != nil || len(all) != 2 || string(all[0]) != "receipt" || string(all[1]) != "renewal" {
		t.Errorf("%q, %v", all, err)
	}
	if file, err := r.Assigned(slot); err != nil || string(file) != "assignment" {
		t.Errorf("%q, %v", file, err)
	}
	if report := sound(t, r, "whole"); report != (Report{Registrations: 1, Assignments: 1, Receipts: 2, Openings: 1}) {
		t.Errorf("%+v", report)
	}
}

func TestEachSlotHasItsOwn(t *testing.T) {
	r := fresh(t)
	for i, s := range []Slot{{}, {Slot: 1}, {Job: merkle.Hash{1}}, {Worker: merkle.Hash{1}}, {Job: merkle.Hash{1}, Worker: merkle.Hash{1}}} {
		want := fmt.Sprint(i)
		if file, err := r.Assign(s, merkle.Hash{byte(i)}, give(want)); err != nil || string(file) != want {
			t.Errorf("%v: %q, %v", s, file, err)
		}
	}
}

func TestNothingIsGivenOutOfOrder(t *testing.T) {
	r := fresh(t)
	claim := merkle.Hash{'a'}
	never := func() ([]byte, error) { t.Error("signed"); return nil, nil }
	if _, err := r.Receive(slot, claim, never); ClassOf(err) != NotAssigned {
		t.Error(err)
	}
	if _, err := r.Expire(slot, time.Unix(1, 0)); ClassOf(err) != NotAssigned {
		t.Error(err)
	}
	if _, err := r.Open(slot, []byte("receipt"), merkle.Hash{}, never); ClassOf(err) != NotReceived {
		t.Error(err)
	}
	if _, err := r.Renew(slot, claim, nil, never); ClassOf(err) != NotReceived {
		t.Error(err)
	}
	failed := errors.New("no key")
	if _, err := r.Assign(slot, claim, func() ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	if _, err := r.Assign(slot, claim, give(strings.Repeat("x", MaxDocument+1))); ClassOf(err) != TooLarge {
		t.Error(err)
	}
	if report := sound(t, r, "nothing"); report != (Report{}) {
		t.Errorf("%+v", report)
	}
}

func TestALateReceiptIsRenewedForItsOwnClaimAndOnce(t *testing.T) {
	r := fresh(t)
	claim := merkle.Hash{'a'}
	for _, a := range life[:3] {
		if _, err := a.do(r, 'a', give(a.what)); err != nil {
			t.Fatal(err)
		}
	}
	renew := func(claim merkle.Hash, late, text string) (string, error) {
		file, err := r.Renew(slot, claim, []byte(late), give(text))
		return string(file), err
	}
	if _, err := renew(merkle.Hash{'b'}, "receipt", "x"); ClassOf(err) != Given {
		t.Error(err)
	}
	if _, err := renew(claim, "never given", "x"); ClassOf(err) != NotReceived {
		t.Error(err)
	}
	opens := func(received, opening string) error {
		file, err := r.Open(slot, []byte(received), merkle.Hash{opening[0]}, give(opening))
		if err == nil && string(file) != opening {
			t.Errorf("opened with %q", file)
		}
		return err
	}
	if err := opens("receipt", "early"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if file, err := renew(claim, "receipt", "second"); err != nil || file != "second" {
			t.Errorf("%q, %v", file, err)
		}
	}
	if file, err := renew(claim, "second", "third"); err != nil || file != "third" {
		t.Errorf("%q, %v", file, err)
	}
	if file, err := renew(claim, "receipt", "another"); err != nil || file != "second" {
		t.Errorf("%q, %v", file, err)
	}
	for receipt, class := range map[string]Class{"receipt": "", "second": NotReceived, "third": "", "fourth": NotReceived} {
		if err := opens(receipt, map[bool]string{true: "early", false: "late"}[receipt == "receipt"]); ClassOf(err) != class || (err == nil) != (class == "") {
			t.Errorf("opening to the %s: %v", receipt, err)
		}
	}
	if err := opens("third", "other"); ClassOf(err) != Given {
		t.Error(err)
	}
	if report := sound(t, r, "renewed"); report.Receipts != 3 || report.Openings != 2 {
		t.Errorf("%+v", report)
	}
}

func TestHoweverManyAskAtOnceOneIsGiven(t *testing.T) {
	r := fresh(t)
	for i := range 8 {
		s := Slot{Slot: uint32(i)}
		if _, err := r.Assign(s, merkle.Hash{}, give("assignment")); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		got, errs := make([][]byte, 24), make([]error, 24)
		for j := range got {
			wait.Go(func() {
				one := &Registry{r.dir, files{}} // as another process has it
				if j%8 == 7 {
					_, errs[j] = one.Expire(s, time.Unix(int64(j), 0))
					return
				}
				got[j], errs[j] = one.Receive(s, merkle.Hash{byte(j % 3)}, give(fmt.Sprint(j)))
			})
		}
		wait.Wait()
		var kept []byte
		given, ended := 0, 0
		for j, err := range errs {
			switch {
			case err == nil && got[j] == nil:
				ended++
			case err == nil:
				given++
				if kept != nil && !bytes.Equal(kept, got[j]) {
					t.Errorf("slot %d: %q and %q", i, kept, got[j])
				}
				kept = got[j]
			case ClassOf(err) != Given && ClassOf(err) != Ended:
				t.Error(err)
			}
		}
		if (given == 0) == (ended == 0) {
			t.Errorf("slot %d: %d received, %d ended", i, given, ended)
		}
	}
	if report := sound(t, r, "raced"); report.Receipts+report.Ended != 8 || report.Unfinished != 0 {
		t.Errorf("%+v", report)
	}
}

func TestWhatEndedCountsAgainstItsWorker(t *testing.T) {
	r := fresh(t)
	worker := merkle.Hash{7}
	for i := range uint32(5) {
		for _, s := range []Slot{{Worker: worker, Slot: i}, {Worker: merkle.Hash{8}, Slot: i}} {
			if _, err := r.Assign(s, merkle.Hash{}, give("assignment")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := r.Receive(Slot{Worker: worker}, merkle.Hash{1}, give("receipt")); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(2) {
		if _, err := r.Expire(Slot{Worker: worker, Slot: 1 + i}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Expire(Slot{Worker: worker}, time.Unix(1, 0)); ClassOf(err) != Given {
		t.Error(err)
	}
	a, err := r.Admission(t.Context(), worker)
	if err != nil || a != (Admission{Assigned: 5, Received: 1, Ended: 2}) || a.Open() != 2 {
		t.Errorf("%+v, %v", a, err)
	}
	var all []Received
	if err := r.Received(t.Context(), func(c Received) error { all = append(all, c); return nil }); err != nil || len(all) != 1 ||
		all[0].Slot != (Slot{Worker: worker}) || all[0].Claim != (merkle.Hash{1}) || string(all[0].Document) != "receipt" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestARegistryIsMadeOnceAndOpenedOnlyWhereItIs(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	half := filepath.Join(dir, "half")
	for _, d := range []string{half, filepath.Join(half, receipts)} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(half); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if err := Init(half); err != nil {
		t.Error(err)
	}
	if err := Init(half); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := Init(dir); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(half, markFile), []byte("verifyd-registry/2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(half); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestDamageIsFoundAndNeverMeansThatNothingWasGiven(t *testing.T) {
	made := func(t *testing.T) (r *Registry, receipt string) {
		r = fresh(t)
		if _, err := live(r, 'a', signer()); err != nil {
			t.Fatal(err)
		}
		return r, filepath.Join(r.dir, receipts, slot.name(0).String())
	}
	rewrite := func(path string, change func([]byte) []byte) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, change(data), 0o644)
	}
	other := Slot{Slot: 77}.name(0).String()
	for name, c := range map[string]struct {
		damage func(r *Registry, path string) error
		asked  bool // whoever asks for the receipt meets it
	}{
		"empty": {func(_ *Registry, path string) error { return os.Truncate(path, 0) }, true},
		"cut":   {func(_ *Registry, path string) error { return os.Truncate(path, 50) }, true},
		"grown": {func(_ *Registry, path string) error {
			return rewrite(path, func(b []byte) []byte { return append(b, '\n') })
		}, true},
		"a flipped bit": {func(_ *Registry, path string) error {
			return rewrite(path, func(b []byte) []byte { b[20] ^= 1; return b })
		}, true},
		"a folder": {func(_ *Registry, path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }, true},
		"a link": {func(_ *Registry, path string) error {
			return errors.Join(os.Remove(path), os.Symlink("/dev/zero", path))
		}, true},
		"another's name": {func(_ *Registry, path string) error {
			return os.Rename(path, filepath.Join(filepath.Dir(path), other))
		}, false},
		"a stranger's file": {func(_ *Registry, path string) error { return os.WriteFile(path+".orig", nil, 0o644) }, false},
		"no assignment": {func(r *Registry, _ string) error {
			return os.Remove(filepath.Join(r.dir, assignments, slot.name(0).String()))
		}, true},
		"no first receipt": {func(_ *Registry, path string) error { return os.Remove(path) }, false},
	} {
		r, path := made(t)
		if err := c.damage(r, path); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(t.Context(), r.dir); err == nil {
			t.Errorf("%s: sound", name)
		}
		if file, err := r.Receive(slot, merkle.Hash{'a'}, give("another")); c.asked && (err == nil || file != nil) {
			t.Errorf("%s: %q, %v", name, file, err)
		}
	}
}

func BenchmarkAReceipt(b *testing.B) {
	r := fresh(b)
	n := uint32(0)
	for b.Loop() {
		s := Slot{Slot: n}
		n++
		if _, err := r.Assign(s, merkle.Hash{}, give("assignment")); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Receive(s, merkle.Hash{1}, give("receipt")); err != nil {
			b.Fatal(err)
		}
	}
}
