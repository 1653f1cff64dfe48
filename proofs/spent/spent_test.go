package spent

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
)

// pays is a contribution of a worker's slot, paid in an epoch.
func pays(worker byte, slot uint32, epoch, issued uint64) proofs.Contribution {
	return proofs.Contribution{
		Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, TaskID: proofs.Hash{3}, WorkerID: proofs.Hash{worker}, Slot: slot,
		Epoch: epoch, IssuedAt: issued, Verdict: proofs.Verdict{Kind: proofs.Accepted},
	}
}

func work(t *testing.T, c proofs.Contribution) Work {
	t.Helper()
	w, err := Of(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func classOf(err error) string {
	var fault *proofs.Error
	if errors.As(err, &fault) {
		return fault.Class
	}
	return ""
}

func TestWorkIsPaidOnceInAllEpochs(t *testing.T) {
	var b Book
	first := work(t, pays(1, 0, 1, 100))
	for range 3 { // as many signers as there are
		if err := b.Spend(first); err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]proofs.Contribution{
		"in the next epoch": pays(1, 0, 2, 100), "once more in the same": pays(1, 0, 1, 101),
	} {
		err := b.Spend(work(t, c))
		var fault *Error
		if classOf(err) != class.Spent || !errors.As(err, &fault) || fault.First != first {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]proofs.Contribution{"another slot": pays(1, 1, 1, 100), "another worker": pays(2, 0, 1, 100)} {
		if err := b.Spend(work(t, c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARevokedBodyMakesRoomForOneCorrection(t *testing.T) {
	var b Book
	first, second, third := work(t, pays(1, 0, 1, 100)), work(t, pays(1, 0, 1, 200)), work(t, pays(1, 0, 1, 300))
	if err := b.Spend(first); err != nil {
		t.Fatal(err)
	}
	b.Revoke(proofs.Hash{9}) // something else
	if err := b.Spend(second); classOf(err) != class.Spent {
		t.Errorf("before it is revoked: %v", err)
	}
	b.Revoke(first.Digest)
	if err := b.Spend(second); err != nil {
		t.Error(err)
	}
	if err := b.Spend(first); classOf(err) != class.Revoked {
		t.Errorf("the revoked one again: %v", err)
	}
	if err := b.Spend(third); classOf(err) != class.Spent {
		t.Errorf("a second correction: %v", err)
	}
}

// TestAnyHistoryPaysEachWorkForOneBodyAtATime compares drawn histories with
// the sentence of SPEC.md, read from a list of all that happened.
func TestAnyHistoryPaysEachWorkForOneBodyAtATime(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 12))
		var b Book
		at := &b // what is written to, over b for a while
		var taken []Work
		revoked := map[proofs.Hash]bool{}
		for range 60 {
			w := work(t, pays(byte(r.IntN(2)), uint32(r.IntN(2)), 1+r.Uint64N(2), r.Uint64N(3)))
			switch r.IntN(6) {
			case 0:
				at.Revoke(w.Digest)
				revoked[w.Digest] = true
				continue
			case 1:
				if at == &b {
					at = b.Over()
				} else {
					at.Commit()
					at = &b
				}
				continue
			}
			want := ""
			if revoked[w.Digest] {
				want = class.Revoked
			} else {
				for _, before := range taken {
					if before.Nullifier == w.Nullifier && before.Digest != w.Digest && !revoked[before.Digest] {
						want = class.Spent
					}
				}
			}
			err := at.Spend(w)
			if classOf(err) != want || (err == nil) != (want == "") {
				t.Fatalf("seed %d: %v, want class %q", seed, err, want)
			}
			if err == nil {
				taken = append(taken, w)
			}
		}
	}
}

func TestWhatIsNotCommittedLeavesTheBookAsItWas(t *testing.T) {
	var b Book
	over := b.Over()
	if err := over.Spend(work(t, pays(1, 0, 1, 100))); err != nil {
		t.Fatal(err)
	}
	if err := b.Spend(work(t, pays(1, 0, 1, 200))); err != nil {
		t.Errorf("what nobody committed is in the way: %v", err)
	}
}
