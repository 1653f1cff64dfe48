package program

import (
	"cmp"
	"math"

	"github.com/verifyd/verifyd/kernels"
)

// Read is elements of an operand of a call of a step, as they are right before the call, or right behind it: operand
// Operand of Tape.Calls()[Call]. An element below 0 is +0.
type Read struct {
	Call, Operand int
	After         bool
	At            []int32
}

// Before is the number of calls that have run when r is read.
func (r *Read) Before() int {
	if r.After {
		return r.Call + 1
	}
	return r.Call
}

// ReadWords is the number of words that reads give.
func ReadWords(reads []Read) (words int) {
	for i := range reads {
		words += len(reads[i].At)
	}
	return words
}

// CompareReads orders reads as a step does them.
func CompareReads(a, b Read) int {
	return cmp.Or(cmp.Compare(a.Before(), b.Before()), cmp.Compare(a.Call, b.Call))
}

// Look is what a step is watched in: blocks and reads, each in the order of the step, and where their words go.
type Look struct {
	Blocks  []Block
	Watched []uint32
	Reads   []Read
	Words   []uint32
}

// Until is how many of n calls, which are those of a step from begun on, run before the next look at the first of blocks or
// of reads.
func Until(blocks []Block, reads []Read, begun, n int) int {
	if len(reads) > 0 {
		n = min(n, reads[0].Before()-begun)
	}
	if len(blocks) > 0 {
		n = min(n, blocks[0].Call+1-begun)
	}
	return n
}

// take looks at what is due when done calls have run of those from begun on.
func (l *Look) take(done, begun int, calls []call) {
	for len(l.Blocks) > 0 && done > 0 && l.Blocks[0].Call == begun+done-1 {
		b := l.Blocks[0]
		for k, v := range calls[done-1].bufs[b.Operand].F[b.First:][:b.Words] {
			l.Watched[k] = math.Float32bits(v)
		}
		l.Blocks, l.Watched = l.Blocks[1:], l.Watched[b.Words:]
	}
	for len(l.Reads) > 0 && l.Reads[0].Before() == begun+done {
		r := &l.Reads[0]
		if r.Call-begun >= len(calls) {
			return // before the first call of the next part
		}
		r.copy(l.Words, calls[r.Call-begun].bufs[r.Operand])
		l.Reads, l.Words = l.Reads[1:], l.Words[len(r.At):]
	}
}

func (r *Read) copy(to []uint32, from kernels.Buf) {
	to = to[:len(r.At)]
	for i, e := range r.At {
		switch {
		case e < 0:
			to[i] = 0
		case from.I != nil:
			to[i] = uint32(from.I[e])
		default:
			to[i] = math.Float32bits(from.F[e])
		}
	}
}

// look runs calls, which are those of the step from begun on.
func (m *Machine) look(calls []call, begun int, l *Look) error {
	for done := 0; ; {
		l.take(done, begun, calls)
		if done == len(calls) {
			return nil
		}
		next := Until(l.Blocks, l.Reads, begun, len(calls))
		if err := m.run(calls[done:next]); err != nil {
			return err
		}
		done = next
	}
}
