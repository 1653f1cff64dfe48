package valuation

import (
	"testing"

	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ownJob asks for data of each worker's own.
func ownJob(j *job.Job) { j.Data.Own = &job.Own{Least: 2, Most: 1000} }

// TestOwnDataOfTwoWorkersThatAreTheSameCountOnce: whoever copies another's data divides its rows with it, and the list shows both roots.
func TestOwnDataOfTwoWorkersThatAreTheSameCountOnce(t *testing.T) {
	r := newRig(t, ownJob)
	for i, l := range r.list.Claims {
		if want := uint64(40 * robust.RowUnits / 3); l.Rows != want || l.Data == nil || *l.Data != *r.list.Claims[0].Data {
			t.Errorf("claim %d: %d units of rows of %v, want %d", i, l.Rows, l.Data, want)
		}
	}
	if err := r.list.Bind(r.jobs, r.policy, r.verdicts); err != nil {
		t.Fatal(err)
	}
	if _, err := List(r.jobs, r.policy, way(), r.claims, nil, nil, frozen); err == nil {
		t.Error("listed without assignments")
	}
	if _, err := List(r.jobs, r.policy, way(), r.claims, [][]byte{r.assignments[1], r.assignments[0], r.assignments[2]}, nil, frozen); err == nil {
		t.Error("listed by the assignments of others")
	}
	for name, spoil := range map[string]func(l *Listed){
		"data: not those": func(l *Listed) { l.Data = &job.Set{Root: merkle.Hash{1}, Samples: 40} },
		"data: none":      func(l *Listed) { l.Data = nil },
		"data.samples":    func(l *Listed) { l.Data = &job.Set{Root: l.Data.Root, Samples: 1001} },
	} {
		list := *r.list
		list.Claims = append([]Listed(nil), r.list.Claims...)
		spoil(&list.Claims[0])
		if rows, err := list.rows(r.jobs); err == nil {
			for i := range rows {
				list.Claims[i].Rows = rows[i]
			}
		}
		wants(t, list.Bind(r.jobs, r.policy, r.verdicts), name)
	}
}
