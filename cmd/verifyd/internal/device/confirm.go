package device

import (
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// Order is the order in which devices judge a claim, at least two: the first replays, the one after it goes on
// where it fails and confirms what it finds. A claim becomes a FAIL only if both find the same, so each should share
// as little as possible with the one before:
//
//	a GPU, if one is used
//	the processor, on the code path that was asked for
//	the processor, on another code path
func (s *Set) Order() []engine.Device { return slices.Clone(s.order) }

// besides is the code path that confirms what another one found. The code paths share no assembly. It is the
// reference, or the best one where the reference itself is to be confirmed. If this machine has nothing else it is the
// same, and then it confirms nothing: package verify refuses a second replay on one path.
func besides(isa kernels.ISA) kernels.ISA {
	if isa != kernels.Generic {
		return kernels.Generic
	}
	have := kernels.Available()
	return have[len(have)-1]
}

// Failed warns that a device failed while a claim was judged, and says what goes on.
func (s *Set) Failed(claim string, d engine.Device, err error) {
	then := "nothing is left to go on with"
	if i := slices.Index(s.order, d); i >= 0 && i+1 < len(s.order) {
		then = "the claim goes on on " + s.order[i+1].Name()
	}
	s.log.Warn(d.Name()+" failed, "+then, "claim", claim, "error", err)
}
