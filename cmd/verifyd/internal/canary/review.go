package canary

import (
	"bytes"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Said is a verifier's verdict on a canary.
type Said struct {
	Verifier merkle.Hash // key id of who signed it
	Verdict  *verify.Verdict
	// Idle is why its imprints are not those that a replay by this verifier leaves; nil if they are.
	Idle error
}

// Task is a canary with what must be found in it and what was said of it, once by each verifier.
type Task struct {
	Answer   *Answer
	Expected Expected
	Said     []Said
}

// Manner is how a verifier works, by its verdicts.
type Manner string

// The manners.
const (
	Honest   Manner = "honest"   // right wherever it was asked
	Lazy     Manner = "lazy"     // says PASS to whatever it is given
	Contrary Manner = "contrary" // accuses claims that are true
	Copying  Manner = "copying"  // says what others found, and does not replay
	Wrong    Manner = "wrong"    // wrong in some other way
)

// Standing is what the canaries say of a verifier.
type Standing struct {
	Verifier merkle.Hash `json:"verifier"`
	Manner   Manner      `json:"manner"`
	Tasks    int         `json:"tasks"`
	Right    int         `json:"right"`   // findings that are the expected ones
	Missed   int         `json:"missed"`  // lies that were drawn, and are not what it found
	Accused  int         `json:"accused"` // true claims that it did not pass
	Idle     int         `json:"idle"`    // right findings with imprints that no replay by it leaves
	Copied   int         `json:"copied"`  // verdicts with the imprints of another verifier
	caught   int         // lies that it found
	passed   int         // canaries that it passed
}

// Review says of each verifier how it works, in the order of key ids. A single task says little: who is lazy is right
// about every canary that is good.
func Review(tasks []Task) []Standing {
	all := map[merkle.Hash]*Standing{}
	for _, task := range tasks {
		owners := imprints(task.Said)
		for _, said := range task.Said {
			s := all[said.Verifier]
			if s == nil {
				s = &Standing{Verifier: said.Verifier}
				all[said.Verifier] = s
			}
			s.count(task.Expected, said)
			if slices.ContainsFunc(said.Verdict.Imprints, func(p verify.Imprint) bool { return len(owners[p.Hash]) > 1 }) && said.Idle != nil {
				s.Copied++
			}
		}
	}
	list := make([]Standing, 0, len(all))
	for _, s := range all {
		s.Manner = s.manner()
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Standing) int { return bytes.Compare(a.Verifier[:], b.Verifier[:]) })
	return list
}

// imprints are the verifiers who hold each imprint: no two can make the same.
func imprints(all []Said) map[merkle.Hash]map[merkle.Hash]bool {
	owners := map[merkle.Hash]map[merkle.Hash]bool{}
	for _, said := range all {
		for _, p := range said.Verdict.Imprints {
			if owners[p.Hash] == nil {
				owners[p.Hash] = map[merkle.Hash]bool{}
			}
			owners[p.Hash][said.Verifier] = true
		}
	}
	return owners
}

func (s *Standing) count(want Expected, said Said) {
	f := said.Verdict.Finding
	s.Tasks++
	if f.Outcome == verify.Pass {
		s.passed++
	}
	switch right := want.is(f); {
	case right:
		s.Right++
		if want.Outcome == verify.Fail {
			s.caught++
		}
		if said.Idle != nil {
			s.Idle++
		}
	case want.Outcome == verify.Fail:
		s.Missed++
	default:
		s.Accused++
	}
}

func (s *Standing) manner() Manner {
	switch {
	case s.Accused > 0 && s.caught == 0:
		return Contrary
	case s.Missed > 0 && s.passed == s.Tasks, s.Idle > 0 && s.caught == 0 && s.Accused == 0:
		return Lazy
	case s.Idle > 0:
		return Copying
	case s.Missed+s.Accused > 0:
		return Wrong
	}
	return Honest
}

// Named are the standings that are not honest.
func Named(all []Standing) []Standing {
	return slices.Collect(func(yield func(Standing) bool) {
		for s := range slices.Values(all) {
			if s.Manner != Honest && !yield(s) {
				return
			}
		}
	})
}
