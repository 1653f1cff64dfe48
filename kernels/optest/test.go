package optest

import "testing"

// Test runs every case on every backend and compares bytes with the reference. A case that a
// backend declines passes; Support lists those.
func Test(t *testing.T, backends ...Backend) {
	t.Helper()
	run(t, Cases(), backends)
}

// TestShort runs one case in every so many. It is for backends that differ from another only in
// the number of threads, or that are slow.
func TestShort(t *testing.T, every int, backends ...Backend) {
	t.Helper()
	var some []Case
	for i, c := range Cases() {
		if i%every == 0 {
			some = append(some, c)
		}
	}
	run(t, some, backends)
}

func run(t *testing.T, cases []Case, backends []Backend) {
	t.Helper()
	machine, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			for b, err := range c.failures(CPU(machine), backends) {
				t.Errorf("%s: %v", b.Name(), err)
			}
		})
	}
}

// failures runs the case on every backend and yields those that differ from the reference, with
// what is wrong.
func (c Case) failures(ref Backend, backends []Backend) func(yield func(Backend, error) bool) {
	return func(yield func(Backend, error) bool) {
		bufs, err := c.buffers(ref)
		if err != nil {
			yield(ref, err)
			return
		}
		want, err := c.expect(ref, bufs)
		if err != nil {
			yield(ref, err)
			return
		}
		for _, b := range backends {
			if !b.Supports(c.Op) {
				continue
			}
			if err := c.verify(b, bufs, want); err != nil && !yield(b, err) {
				return
			}
		}
	}
}
