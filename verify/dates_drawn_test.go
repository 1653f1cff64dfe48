package verify_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// proved is how a bundle shows a document: not at all, or cosigned by so many of the two witnesses at a time.
type proved struct {
	there bool
	by    int
	late  int64 // seconds behind the last one that is in time; negative is earlier
}

func drawProved(rng *rand.Rand) proved {
	return proved{rng.IntN(8) > 0, 2 - rng.IntN(8)/6, rng.Int64N(3) - 1 - rng.Int64N(2)*1000}
}

// class is why it does not show what is asked for: both witnesses, and in time if it is dated.
func (p proved) class(dated bool) fault.Class {
	switch {
	case !p.there:
		return fault.Missing
	case p.by < 2:
		return fault.BadSignature
	case dated && p.late > 0:
		return fault.Undated
	}
	return ""
}

// times is what is drawn of a bundle.
type times struct {
	assignment, receipt, opened, own proved
	received                         bool  // the opening has its receipt
	arrived                          int64 // which says that it came so many seconds behind the deadline
	whole                            bool  // no segment is missing
	over                             bool  // the deadline is over where the bundle is judged
}

// model is what SPEC.md says of it: a class, or a reason and whose word it is.
func (d times) model() string {
	for _, p := range []proved{d.assignment, d.receipt} {
		if class := p.class(true); class != "" {
			return string(class)
		}
	}
	own := d.own.class(true) == ""
	switch late := d.arrived > 0; {
	case !d.received && own && d.whole, d.received && d.whole && (own || !late && d.opened.class(true) == ""):
		return "none witnesses"
	case !d.received && d.over:
		return "not-opened operator"
	case !d.received:
		return string(fault.NotOpenedYet)
	case d.opened.class(!late) != "" && !own:
		return string(d.opened.class(!late))
	case late && !own:
		return "late operator"
	}
	return string(fault.Missing) // a segment of an opening that had arrived whole
}

func TestTimesAreJudgedAsTheSpecificationSaysWhateverIsDrawn(t *testing.T) {
	w := newWatched(t)
	rng := rand.New(rand.NewPCG(12, 3))
	met := map[string]int{}
	for range 160 {
		d := times{
			assignment: drawProved(rng), receipt: drawProved(rng), opened: drawProved(rng), own: drawProved(rng),
			received: rng.IntN(3) > 0, arrived: rng.Int64N(4) - 2, whole: rng.IntN(4) > 0, over: rng.IntN(2) > 0,
		}
		if rng.IntN(3) > 0 { // the two that all rests on are often wrong
			d.assignment, d.receipt = proved{true, 2, 0}, proved{true, 2, -5}
		}
		b := copyBundle(t, w.bundle)
		remove(t, b, verify.AssignmentProofFile, verify.ReceiptProofFile, verify.OpenedProofFile)
		if d.received {
			if err := w.pool().Open(t.Context(), b, time.Unix(lastOpening+d.arrived, 0)); err != nil {
				t.Fatal(err)
			}
		}
		for file, p := range map[string]proved{verify.AssignmentFile: d.assignment, verify.ReceiptFile: d.receipt, verify.OpenedFile: d.opened} {
			if last := map[bool]int64{true: lastOpening, false: lastReceipt}[file == verify.OpenedFile]; p.there {
				w.proves(b, file, last+p.late, w.by[:p.by]...)
			}
		}
		if d.own.there {
			w.entered(verifytest.NewLog("worker.example"), b, lastOpening+d.own.late, w.by[:d.own.by]...)
		}
		if !d.received {
			remove(t, b, verify.OpenedFile)
		}
		if !d.whole {
			remove(t, b, filepath.Join(verify.OpeningsDir, filepath.Base(openings(t, b)[rng.IntN(2)])))
		}
		after := 3606 * time.Second
		if d.over {
			after += time.Second
		}
		v, err := w.at(b, after)
		got := string(fault.Of(err))
		if err == nil {
			got = fmt.Sprintf("%s %s", v.Finding.Reason, v.Finding.Word)
		}
		if want := d.model(); got != want {
			t.Errorf("%+v: %s, want %s: %v", d, got, want, err)
		}
		met[got]++
	}
	for _, want := range []string{"none witnesses", "not-opened operator", "late operator", "not-opened-yet", "missing-file", "bad-signature", "undated"} {
		if met[want] < 3 {
			t.Errorf("%s: met %d times: %v", want, met[want], met)
		}
	}
}
