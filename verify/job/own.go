package job

import (
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Set commits to the samples of a data set.
type Set struct {
	Root    merkle.Hash `json:"root"`
	Samples uint64      `json:"samples"`
}

// Set commits to the samples.
func (d *Dataset) Set() Set { return Set{d.data.Root, d.data.Samples} }

// Most is how many samples the data of a worker may have: those of the job, or the most of its own.
func (d *Data) Most() uint64 {
	if d.Own != nil {
		return d.Own.Most
	}
	return d.Samples
}

// check refuses data that are neither the job's nor each worker's own.
func (d *Data) check() error {
	least, most := d.Samples, d.Samples
	switch given := d.Root != (merkle.Hash{}); {
	case d.Own != nil && (given || d.Samples != 0):
		return fault.New(fault.BadTerms, "", "data.own", "root and samples of each worker's data stand in its assignment, not here")
	case d.Own != nil:
		least, most = d.Own.Least, d.Own.Most
	case !given:
		return fault.New(fault.BadTerms, "", "data.root", "zero")
	}
	field := "data.samples"
	if d.Own != nil {
		field = "data.own"
	}
	switch {
	case least < 1 || least > MaxRows:
		return fault.New(fault.BadTerms, "", field, "%d is outside 1 to %d", least, uint64(MaxRows))
	case most < least || most > MaxRows:
		return fault.New(fault.BadTerms, "", field, "most %d is outside %d to %d", most, least, uint64(MaxRows))
	}
	return nil
}

// DataFor are the samples that the worker of an assignment trains on.
func (j *Job) DataFor(a *Assignment) Set {
	if j.Data.Own != nil && a.Data != nil {
		return *a.Data
	}
	return Set{j.Data.Root, j.Data.Samples}
}

// Takes refuses a commitment to a worker's data that is not what the job asks for: none where the data are the job's.
func (j *Job) Takes(s *Set) error {
	own := j.Data.Own
	switch {
	case own == nil && s == nil:
		return nil
	case own == nil:
		return fault.New(fault.BadTerms, "", "data", "the data are the job's, with root %v", j.Data.Root)
	case s == nil:
		return fault.New(fault.BadTerms, "", "data", "none, the job asks for the worker's own")
	case s.Root == (merkle.Hash{}):
		return fault.New(fault.BadTerms, "", "data.root", "zero")
	case s.Samples < own.Least || s.Samples > own.Most:
		return fault.New(fault.BadTerms, "", "data.samples", "%d is outside %d to %d, which the job asks for", s.Samples, own.Least, own.Most)
	}
	return nil
}

// same says whether two documents name the same data, or both none.
func same(a, b *Set) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
