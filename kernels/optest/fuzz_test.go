package optest

import "testing"

// FuzzOperators draws an operator, its shape, its data and its placement from one number, and holds
// every code path to the reference.
func FuzzOperators(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(seed * 0x9e3779b97f4a7c15)
	}
	ref, err := reference()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(ref.Close)
	backends := machines(f, 2)
	entries := table()
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := source(seed)
		e := &entries[r.below(len(entries))]
		c := Case{Op: e.random(&r), Data: Class(r.below(int(classes))), Offset: r.below(4), entry: e}
		for b, err := range c.failures(CPU(ref), backends) {
			t.Errorf("%v: %s: %v", c, b.Name(), err)
		}
	})
}
