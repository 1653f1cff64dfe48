package registry

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/verifyd/verifyd/verify/merkle"
)

// asked is one thing that is asked of a registry, for the claim or seed of a letter.
type asked struct {
	what string
	do   func(r *Registry, letter byte, sign func() ([]byte, error)) ([]byte, error)
}

var slot = Slot{Job: merkle.Hash{1}, Worker: merkle.Hash{2}, Slot: 3}

// life is what becomes of a slot, in its order.
var life = []asked{
	{"registration", func(r *Registry, letter byte, sign func() ([]byte, error)) ([]byte, error) {
		return r.Register(slot, merkle.Hash{letter}, sign)
	}},
	{"assignment", func(r *Registry, letter byte, sign func() ([]byte, error)) ([]byte, error) {
		return r.Assign(slot, merkle.Hash{letter}, sign)
	}},
	{"receipt", func(r *Registry, letter byte, sign func() ([]byte, error)) ([]byte, error) {
		return r.Receive(slot, merkle.Hash{letter}, sign)
	}},
	{"renewal", func(r *Registry, letter byte, sign func() ([]byte, error)) ([]byte, error) {
		all, err := r.Receipts(slot)
		if err != nil || len(all) == 0 {
			return nil, fmt.Errorf("%d receipts: %w", len(all), err)
		}
		return r.Renew(slot, merkle.Hash{letter}, all[0], sign)
	}},
	{"opening", func(r *Registry, letter byte, sign func() ([]byte, error)) ([]byte, error) {
		all, err := r.Receipts(slot)
		if err != nil || len(all) == 0 {
			return nil, fmt.Errorf("%d receipts: %w", len(all), err)
		}
		return r.Open(slot, all[len(all)-1], merkle.Hash{letter, 1}, sign)
	}},
}

// signer makes a document that is another one each time, as a signature and a time are.
func signer() func() ([]byte, error) {
	n := 0
	return func() ([]byte, error) {
		n++
		return fmt.Appendf(nil, "document %d, %d", n, rand.Uint64()), nil
	}
}

// live asks for the whole life of a slot and returns what was given, up to the first error.
func live(r *Registry, letter byte, sign func() ([]byte, error)) (given [][]byte, err error) {
	for _, a := range life {
		file, err := a.do(r, letter, sign)
		if err != nil {
			return given, fmt.Errorf("%s: %w", a.what, err)
		}
		given = append(given, file)
	}
	return given, nil
}

func TestNothingGivenIsForgottenWhereverTheDiskFailsOrThePowerGoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	keeps := map[string]func() bool{
		"nothing": func() bool { return false },
		"all":     func() bool { return true },
		"some":    func() bool { return random.IntN(2) == 0 },
	}
	whole := newMemory()
	if _, err := live(&Registry{"r", whole}, 'a', signer()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls", whole.calls)
	for at := 1; at <= whole.calls; at++ {
		for name, keep := range keeps {
			for _, cut := range []bool{true, false} {
				what := fmt.Sprintf("call %d, power cut %v, of what was not synced %s is kept", at, cut, name)
				m := newMemory()
				m.at, m.cut = at, cut
				sign := signer()
				given, err := live(&Registry{"r", m}, 'a', sign)
				if err == nil && cut {
					t.Fatalf("%s: no error", what)
				}
				if cut {
					m = m.restart(keep)
				}
				m.at = 0
				r := &Registry{"r", m}
				if report := sound(t, r, what); report.Registrations < min(len(given), 1) {
					t.Errorf("%s: %+v", what, report)
				}
				// A stranger to what was given is refused wherever something was.
				for i := range given {
					if file, err := life[i].do(r, 'b', sign); life[i].what != "registration" && (ClassOf(err) != Given || file != nil) {
						t.Errorf("%s: a second %s: %q, %v", what, life[i].what, file, err)
					}
				}
				again, err := live(r, 'a', sign)
				if err != nil || len(again) != len(life) {
					t.Fatalf("%s: asked again: %v", what, err)
				}
				for i := range given {
					// What is asked for once it was renewed is the renewal.
					want := given[i]
					if life[i].what == "receipt" {
						if all, err := r.Receipts(slot); err != nil || !bytes.Equal(all[0], want) {
							t.Errorf("%s: the receipt was %q, %q now, %v", what, want, all[0], err)
						}
						continue
					}
					if !bytes.Equal(again[i], want) {
						t.Errorf("%s: the %s was %q and is %q", what, life[i].what, want, again[i])
					}
				}
				sound(t, r, what)
				m.at, m.cut = m.calls+1, true
				_, _ = live(r, 'c', sign) // the power goes
				r = &Registry{"r", m.restart(func() bool { return false })}
				again[2] = again[3] // whoever asks for the receipt gets the newest
				if last, err := live(r, 'a', sign); err != nil || !slices.EqualFunc(last, again, bytes.Equal) {
					t.Fatalf("%s: without power later: %q was %q, %v", what, last, again, err)
				}
			}
		}
	}
}

// sound checks a registry and returns what it holds.
func sound(t *testing.T, r *Registry, what string) Report {
	t.Helper()
	report, err := r.check(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return report
}

func TestAnEndIsNotForgottenAndExcludesAReceipt(t *testing.T) {
	at := time.Unix(1_795_000_000, 0).UTC()
	for call := 1; call < 40; call++ {
		m := newMemory()
		r := &Registry{"r", m}
		if _, err := r.Assign(slot, merkle.Hash{}, signer()); err != nil {
			t.Fatal(err)
		}
		m.at, m.cut = m.calls+call, true
		_, err := r.Expire(slot, at)
		m = m.restart(func() bool { return call%2 == 0 })
		r = &Registry{"r", m}
		if err != nil {
			// Nobody was told that it ended: a claim may be quicker, and then it does not end.
			file, received := r.Receive(slot, merkle.Hash{'a'}, signer())
			_, ended := r.Expire(slot, at)
			if (received == nil) == (ended == nil) || (file == nil) != (received != nil) {
				t.Fatalf("call %d: %v, %v", call, received, ended)
			}
			continue
		}
		if _, err := r.Receive(slot, merkle.Hash{'a'}, signer()); ClassOf(err) != Ended {
			t.Errorf("call %d: %v", call, err)
		}
		if when, err := r.Expire(slot, at.Add(time.Hour)); err != nil || when != at {
			t.Errorf("call %d: %v, %v", call, when, err)
		}
	}
}
