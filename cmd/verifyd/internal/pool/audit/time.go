package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/verifyd/verifyd/verify/job"
)

// moment is a time that an entry has by its operator's word.
type moment struct {
	unix  int64
	entry int64
	known bool
}

// cosigned is a time at which a witness saw the first size entries of the log, and no others.
type cosigned struct {
	witness string
	size    int64
	unix    int64
}

// witness reads the cosignatures that are known.
func (a *audit) witness(o Options) error {
	if o.Policy == nil {
		return nil
	}
	for i, signed := range o.Checkpoints {
		c, all, err := o.Policy.Cosignatures(signed)
		if err != nil {
			return fmt.Errorf("checkpoint %d: %w", i, err)
		}
		for _, by := range all {
			a.seen = append(a.seen, cosigned{by.Witness, c.Size, by.Time})
			a.report.Witnessed = max(a.report.Witnessed, by.Time)
		}
	}
	a.report.Cosignatures = len(a.seen)
	return nil
}

// date judges the time of a receipt or a registration, from which the beacon that is due at another time follows.
func (a *audit) date(s slot, arrived, due int64, late Rule) {
	entry := a.report.Entries
	switch {
	case a.latest.known && a.latest.unix >= due+a.slack:
		a.found(late, a.latest.entry, fmt.Sprintf("%v: it says %s, and the beacon of %s is drawn from for it; an earlier entry is of %s",
			s, clock(arrived), clock(due), clock(a.latest.unix)))
	case a.latest.known && a.latest.unix > arrived+a.slack:
		a.found(BackDated, a.latest.entry, fmt.Sprintf("%v: it says %s, an earlier entry %s", s, clock(arrived), clock(a.latest.unix)))
	}
	for _, w := range a.seen {
		switch {
		case entry < w.size && arrived > w.unix+a.slack:
			a.found(PostDated, -1, fmt.Sprintf("%v: it says %s, and witness %s saw it at %s", s, clock(arrived), w.witness, clock(w.unix)))
		case entry >= w.size && w.unix >= due+a.slack:
			a.found(late, -1, fmt.Sprintf("%v: the beacon of %s is drawn from for it; at %s witness %s had not seen it",
				s, clock(due), clock(w.unix), w.witness))
		}
	}
	a.told(arrived)
}

// sawBefore counts the witnesses of a job's log that saw an entry before a time.
func (a *audit) sawBefore(l *job.Log, entry, before int64) (n uint32) {
	for _, key := range l.Witnesses {
		name, _, _ := strings.Cut(key, "+")
		if slices.ContainsFunc(a.seen, func(w cosigned) bool { return w.witness == name && entry < w.size && w.unix < before }) {
			n++
		}
	}
	return n
}

// inTime judges the time of an opening.
func (a *audit) inTime(s slot, arrived, deadline int64) {
	entry := a.report.Entries
	if arrived > deadline {
		a.found(LateOpening, -1, fmt.Sprintf("%v: it arrived at %s, the deadline was %s", s, clock(arrived), clock(deadline)))
		return
	}
	if a.latest.known && a.latest.unix > deadline+a.slack {
		a.found(LateOpening, a.latest.entry, fmt.Sprintf("%v: it says %s, the deadline was %s; an earlier entry is of %s",
			s, clock(arrived), clock(deadline), clock(a.latest.unix)))
	}
	for _, w := range a.seen {
		if entry >= w.size && w.unix > deadline+a.slack {
			a.found(LateOpening, -1, fmt.Sprintf("%v: it says %s, the deadline was %s; at %s witness %s had not seen it",
				s, clock(arrived), clock(deadline), clock(w.unix), w.witness))
		}
	}
}

// told notes a time that an operator gave to the entry that is read.
func (a *audit) told(unix int64) {
	if !a.latest.known || unix > a.latest.unix {
		a.latest = moment{unix, a.report.Entries, true}
	}
}

func clock(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
