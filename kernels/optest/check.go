package optest

import "fmt"

// Check runs cases on b one after another and returns how the first differs from the reference, or
// nil. It serves whoever needs the answer of the suite without a test that fails. A case that b
// declines passes.
func Check(b Backend, cases []Case) error {
	machine, err := reference()
	if err != nil {
		return err
	}
	defer machine.Close()
	for _, c := range cases {
		for _, err := range c.failures(CPU(machine), []Backend{b}) {
			return fmt.Errorf("%v: %w", c, err)
		}
	}
	return nil
}
