package retrain

import (
	"fmt"
	"math"

	"github.com/verifyd/verifyd/shapley"
)

// Limits of a game.
const (
	MaxRows    = 1 << 22
	MaxWidth   = 4096    // features
	MaxClasses = 1000    //
	MaxCells   = 1 << 30 // features of all rows
)

// Data is the rows to learn from and those to be judged by. Labels are those of a logistic model: any numbers, of which only
// equality counts, and a class may have no training row. A linear model has Targets instead. It is read, never changed.
type Data struct {
	Width                       int       // features of a row
	Train, Validation           []float32 // rows x Width, row-major
	Labels, ValidationLabels    []int32
	Targets, ValidationTargets  []float32
	Owners                      []int32 // player of each training row, from 0 without gaps; nil makes each row one
	classes, players, rows, val int
}

// check refuses data that do not fit together, and counts.
func (d *Data) check() error {
	if d.Width < 1 || d.Width > MaxWidth {
		return fmt.Errorf("width: %d features are outside 1 to %d", d.Width, MaxWidth)
	}
	var err error
	if d.rows, err = d.rowsOf("train", d.Train); err != nil {
		return err
	}
	if d.val, err = d.rowsOf("validation", d.Validation); err != nil {
		return err
	}
	linear := d.Targets != nil
	if linear != (d.ValidationTargets != nil) || linear == (d.Labels != nil) || linear == (d.ValidationLabels != nil) {
		return fmt.Errorf("labels: want either labels or targets, of both training and validation rows")
	}
	if linear {
		if len(d.Targets) != d.rows || len(d.ValidationTargets) != d.val {
			return fmt.Errorf("targets: %d and %d for %d and %d rows", len(d.Targets), len(d.ValidationTargets), d.rows, d.val)
		}
		for k, t := range [][]float32{d.Targets, d.ValidationTargets} {
			for i, v := range t {
				if !(math.Abs(float64(v)) <= maxTarget) {
					of := []string{"training", "validation"}[k]
					return fmt.Errorf("targets: %s row %d: %w: %v is outside -%d to %[5]d. Give them in a larger unit: values are in its square", of, i, shapley.ErrOverflow, v, maxTarget)
				}
			}
		}
		return d.checkOwners()
	}
	if len(d.Labels) != d.rows || len(d.ValidationLabels) != d.val {
		return fmt.Errorf("labels: %d and %d for %d and %d rows", len(d.Labels), len(d.ValidationLabels), d.rows, d.val)
	}
	if err := d.classify(); err != nil {
		return err
	}
	return d.checkOwners()
}

// classify puts classes in the place of labels, numbered as they first appear in the training rows and then in the
// others: the same rows with other codes for their labels make the same game, to the bit.
func (d *Data) classify() error {
	seen := map[int32]int32{}
	for _, labels := range []*[]int32{&d.Labels, &d.ValidationLabels} {
		to := make([]int32, len(*labels))
		for i, y := range *labels {
			c, ok := seen[y]
			if !ok {
				c = int32(len(seen))
				seen[y] = c
			}
			to[i] = c
		}
		*labels = to
	}
	d.classes = len(seen)
	if d.classes < 2 || d.classes > MaxClasses {
		return fmt.Errorf("labels: %d different ones in all rows are outside 2 to %d", d.classes, MaxClasses)
	}
	return nil
}

func (d *Data) rowsOf(name string, x []float32) (int, error) {
	if len(x) == 0 || len(x)%d.Width != 0 {
		return 0, fmt.Errorf("%s: %d numbers are not whole rows of %d", name, len(x), d.Width)
	}
	n := len(x) / d.Width
	if n > MaxRows || len(x) > MaxCells {
		return 0, fmt.Errorf("%s: %d rows of %d features are above the limits %d and %d in all", name, n, d.Width, MaxRows, MaxCells)
	}
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return 0, fmt.Errorf("%s: row %d: feature %d is not finite", name, i/d.Width, i%d.Width)
		}
	}
	return n, nil
}

func (d *Data) checkOwners() error {
	if d.Owners == nil {
		d.players = d.rows
		return nil
	}
	if len(d.Owners) != d.rows {
		return fmt.Errorf("owners: %d for %d training rows", len(d.Owners), d.rows)
	}
	seen := map[int32]bool{}
	for i, p := range d.Owners {
		if p < 0 || int(p) >= d.rows {
			return fmt.Errorf("owners: row %d: %d is outside 0 to %d", i, p, d.rows-1)
		}
		seen[p] = true
		d.players = max(d.players, int(p)+1)
	}
	if len(seen) != d.players {
		return fmt.Errorf("owners: %d players own rows, the highest is %d: numbers are missing", len(seen), d.players-1)
	}
	return nil
}

// owner is the player of a training row.
func (d *Data) owner(row int) int {
	if d.Owners == nil {
		return row
	}
	return int(d.Owners[row])
}

// standard is rows with each feature less its mean over the training rows and over their deviation, and a
// last feature of 1. Sums are left folds in binary64; a feature that is the same everywhere is 0.
func (d *Data) standard(x []float32) []float32 {
	w, n := d.Width, float64(d.rows)
	mean, inv := make([]float64, w), make([]float64, w)
	for i, v := range d.Train {
		mean[i%w] += float64(v)
	}
	for j := range mean {
		mean[j] /= n
	}
	for i, v := range d.Train {
		e := float64(v) - mean[i%w]
		inv[i%w] += float64(e * e)
	}
	for j, v := range inv {
		if v > 0 {
			inv[j] = 1 / math.Sqrt(v/n)
		}
	}
	rows := len(x) / w
	out := make([]float32, rows*(w+1))
	for r := range rows {
		row := out[r*(w+1) : (r+1)*(w+1)]
		for j, v := range x[r*w : (r+1)*w] {
			row[j] = float32((float64(v) - mean[j]) * inv[j])
		}
		row[w] = 1
	}
	return out
}
