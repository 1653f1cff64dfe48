package registry

import (
	"context"
	"crypto/sha256"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Report is what [Check] found in a registry that is sound.
type Report struct {
	Registrations int `json:"registrations"`
	Assignments   int `json:"assignments"`
	Receipts      int `json:"receipts"` // those that follow a late one are counted as well
	Ended         int `json:"ended"`    // assignments without a claim
	Openings      int `json:"openings"`
	Judged        int `json:"judged"`     // verdicts that are recorded
	Listed        int `json:"listed"`     // claims that are valued, on a frozen list
	Unfinished    int `json:"unfinished"` // files that a crash left on their way, or that are on it now
}

// Check reads all of a registry: every record is whole, lies under the name that its content gives, and rests on those
// that had to be there before it. It changes nothing and may run beside processes that write.
func Check(ctx context.Context, dir string) (Report, error) {
	r, err := Open(dir)
	if err != nil {
		return Report{}, err
	}
	return r.check(ctx)
}

func (r *Registry) check(ctx context.Context) (Report, error) {
	var report Report
	for _, f := range folders {
		err := r.each(ctx, f.name, func(name merkle.Hash, data []byte) error {
			return f.check(r, name, data, &report)
		})
		if err != nil {
			return report, err
		}
	}
	drafts, err := r.disk.names(filepath.Join(r.dir, unfinished))
	report.Unfinished = len(drafts)
	return report, err
}

// each calls use with every file of a folder.
func (r *Registry) each(ctx context.Context, folder string, use func(name merkle.Hash, data []byte) error) error {
	names, err := r.disk.names(filepath.Join(r.dir, folder))
	if err != nil {
		return err
	}
	for _, text := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := merkle.ParseHash(text)
		if err != nil {
			return refuse(Damaged, "%s/%.80q does not belong there", folder, text)
		}
		data, err := r.disk.read(filepath.Join(r.dir, folder, text), maxRecord)
		if err != nil {
			return err
		}
		if err := use(name, data); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) checkRegistration(name merkle.Hash, data []byte, report *Report) error {
	rec, err := parse(registrations, name, data)
	if err != nil {
		return err
	}
	report.Registrations++
	return misplaced(registrations, name, rec.Kind == registration && rec.Number == 0 && rec.Slot.name(0) == name)
}

func (r *Registry) checkAssignment(name merkle.Hash, data []byte, report *Report) error {
	rec, err := parse(assignments, name, data)
	if err != nil {
		return err
	}
	report.Assignments++
	return misplaced(assignments, name, rec.Kind == assignment && rec.Number == 0 && rec.Slot.name(0) == name)
}

func (r *Registry) checkReceipt(name merkle.Hash, data []byte, report *Report) error {
	rec, err := parse(receipts, name, data)
	if err != nil {
		return err
	}
	first := rec.Number == 0 && rec.Previous == merkle.Hash{}
	switch rec.Kind {
	case receipt:
		report.Receipts++
	case ended:
		report.Ended++
	}
	if err := misplaced(receipts, name, (rec.Kind == receipt || rec.Kind == ended && first) && rec.Slot.name(rec.Number) == name); err != nil {
		return err
	}
	given, err := r.lookup(assignments, rec.Slot.name(0))
	if err != nil {
		return err
	}
	if err := misplaced(receipts, name, given != nil); err != nil || first {
		return err
	}
	before, err := r.lookup(receipts, rec.Slot.name(rec.Number-1))
	if err != nil {
		return err
	}
	return misplaced(receipts, name, before != nil && before.Kind == receipt && before.About == rec.About && sha256.Sum256(before.Document) == rec.Previous)
}

func (r *Registry) checkOpening(name merkle.Hash, data []byte, report *Report) error {
	rec, err := parse(openings, name, data)
	if err != nil {
		return err
	}
	report.Openings++
	of, err := r.lookup(receipts, rec.Slot.name(rec.Number))
	if err != nil {
		return err
	}
	return misplaced(openings, name, rec.Kind == opening && openingName(rec.Previous) == name && of != nil && of.Kind == receipt && sha256.Sum256(of.Document) == rec.Previous)
}
