package doctor

import (
	"fmt"
	"strings"
)

// advise says what an operator has to do about a device, in whole sentences.
func (s *subject) advise() {
	say := func(format string, args ...any) { s.Advice = append(s.Advice, fmt.Sprintf(format, args...)) }
	switch {
	case s.State == Wrong && s.GPU != nil:
		say("%s computes wrong bits in %s: do not verify with it; run the vendor's memory test, see the ECC counts; the CPU serves", s.Name, list(s.Wrong))
	case s.State == Wrong && s.Name == "cpu generic":
		say("%s, the reference, computes wrong bits in %s: verify nothing on this machine; test its processor and memory", s.Name, list(s.Wrong))
	case s.State == Wrong:
		say("%s computes wrong bits in %s: do not verify with it; use --isa generic, and test the processor and its memory", s.Name, list(s.Wrong))
	case s.State == Failed:
		say("%s failed: %s; do not verify with it until this is mended; the CPU serves", s.Name, s.Error)
	case s.State == Unfit:
		say("%s cannot run verifyd: %s; the CPU serves", s.Name, s.Error)
	}
	if h := s.Health; h != nil {
		if h.Uncorrected > 0 {
			say("%s counts uncorrected memory errors (%d): reset it, and distrust what it found since the driver was loaded", s.Name, h.Uncorrected)
		}
		if h.RowsPending {
			say("%s has a broken row of memory that waits to be replaced: reset it", s.Name)
		}
		if h.RowsFailed {
			say("%s has a broken row of memory that could not be replaced: have it replaced", s.Name)
		}
	}
	for _, x := range s.Xids {
		if !x.Application() {
			say("%s reported the critical error Xid %d while it was examined: look it up in NVIDIA's list of Xid errors, and reset the device", s.Name, x)
		}
	}
}

// list names the first of what, and counts the rest.
func list(what []string) string {
	const shown = 3
	if len(what) <= shown {
		return strings.Join(what, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(what[:shown], ", "), len(what)-shown)
}
