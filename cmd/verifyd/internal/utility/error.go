package utility

import (
	"fmt"
	"strings"

	"github.com/verifyd/verifyd/shapley"
)

// Kind is why a game of a process ended. The set is closed, and programs may act on it.
type Kind string

// The kinds.
const (
	Raised    Kind = "utility-raised"     // the process said that it has no utility for a coalition
	NotFinite Kind = "utility-not-finite" // NaN or infinity
	BadNumber Kind = "utility-bad-number" // no decimal number
	TooLarge  Kind = "utility-too-large"  // outside of the scale, or of the bounds that were declared
	Length    Kind = "utility-length"     // as many answers as were not asked for
	Differs   Kind = "utility-differs"    // another utility for a coalition that was asked for before
	Protocol  Kind = "utility-protocol"   // something that is not the answer to the question
	Ended     Kind = "utility-ended"      // the process ended, or closed its output
	Stalled   Kind = "utility-stalled"    // no answer in time
)

// Error is the end of a game, by the doing of the process.
type Error struct {
	Kind      Kind
	Coalition shapley.Coalition // nil if it is about none in particular
	Reason    string

	names []string // of the players
}

// Error says which coalition, by its members' names, and why.
func (e *Error) Error() string {
	if e.Coalition == nil {
		return "utility: " + e.Reason
	}
	return "utility: coalition " + e.who() + ": " + e.Reason
}

// Members are the coalition's players.
func (e *Error) Members() []int { return e.Coalition.Members(nil) }

// shown is how many members a message names.
const shown = 12

// who is the coalition as people read it.
func (e *Error) who() string {
	members := e.Members()
	var b strings.Builder
	b.WriteString("{")
	for k, i := range members {
		if k == shown {
			fmt.Fprintf(&b, " and %d more", len(members)-k)
			break
		}
		if k > 0 {
			b.WriteString(", ")
		}
		if i < len(e.names) {
			fmt.Fprintf(&b, "%.40s", e.names[i])
		} else {
			fmt.Fprint(&b, i)
		}
	}
	plural := "s"
	if len(members) == 1 {
		plural = ""
	}
	fmt.Fprintf(&b, "}, %d player%s", len(members), plural)
	return b.String()
}
