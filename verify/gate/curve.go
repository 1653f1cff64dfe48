package gate

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// CurveVersion is the only version of curves that this verifyd knows.
const CurveVersion = "verifyd-curve/1"

// The limits of a curve.
const (
	MaxPoints = 1024
	// maxProducts are those of a step, and of all points of a curve together.
	maxProducts = 1 << 16

	maxSteps  = 1 << 32
	maxStride = 1 << 20
	maxCount  = 1 << 40 // of terms of additions, and of elements
)

// Curve is what the steps of a run counted that the operator made before the job was signed: from the job's start, on its
// data in another order; or the first step of that alone, which is cheaper to make and says less. A job names its digest.
type Curve struct {
	Version string      `json:"version"`
	Gate    string      `json:"gate"`
	Terms   Terms       `json:"terms"`
	Seed    merkle.Hash `json:"seed"`   // that the order of the data, and what was measured, were drawn by
	Every   uint64      `json:"every"`  // segments from one point to the next; 0 for a start alone, which has one point
	Points  []Point     `json:"points"` // at most MaxPoints, and of all products together at most maxProducts
}

// Terms are what a curve has in common with the job that it is for.
type Terms struct {
	Program merkle.Hash     `json:"program"`
	Profile kernels.Profile `json:"profile"`
	Data    merkle.Hash     `json:"data"`  // root of the samples; of a job whose workers bring their own it is zero, and any fits
	Start   merkle.Hash     `json:"start"` // root of the state before step 0
	Dropout uint64          `json:"dropout,string"`
	Steps   uint64          `json:"steps"`
	Stride  uint64          `json:"stride"`
}

// Segments is the number of segments of a claim.
func (t *Terms) Segments() uint64 { return (t.Steps + t.Stride - 1) / t.Stride }

// EveryOf is how many segments apart the points of a curve are whose steps have so many products: 1, or more so that there
// are no more than MaxPoints, nor more than maxProducts products in all of them.
func (t *Terms) EveryOf(products int) uint64 {
	points := uint64(max(1, min(MaxPoints, maxProducts/max(products, 1))))
	return (t.Segments() + points - 1) / points
}

// ReadCurve reads the canonical JSON of a curve. Errors begin with file.
func ReadCurve(file string, data []byte) (*Curve, error) {
	c, err := document.Decode[Curve](file, data)
	if errors.Is(err, kernels.ErrProfile) {
		return nil, fault.New(fault.Unsupported, file, "terms.profile", "%w", kernels.ErrProfile)
	}
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, fault.In(file, err)
	}
	return &c, nil
}

// JSON is the canonical JSON of c, which must be one that ReadCurve takes.
func (c *Curve) JSON() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fault.In("curve", err)
	}
	return document.Encode(c)
}

// Digest is the SHA-256 of a curve's JSON.
func Digest(data []byte) merkle.Hash { return sha256.Sum256(data) }

// Fits refuses a curve that was made for another job, whose steps have so many products.
func (c *Curve) Fits(t Terms, products int) error {
	for _, f := range []struct {
		field     string
		got, want any
	}{
		{"program", c.Terms.Program, t.Program}, {"profile", c.Terms.Profile, t.Profile}, {"data", c.Terms.Data, t.Data},
		{"start", c.Terms.Start, t.Start}, {"dropout", c.Terms.Dropout, t.Dropout}, {"steps", c.Terms.Steps, t.Steps},
		{"stride", c.Terms.Stride, t.Stride},
	} {
		if f.got != f.want && (f.field != "data" || t.Data != (merkle.Hash{})) {
			return fault.New(fault.WrongJob, "", "terms."+f.field, "%v, the job has %v", f.got, f.want)
		}
	}
	if got := len(c.Points[0].Rows); got != 2*products {
		return fault.New(fault.WrongJob, "", "points[0].rows", "%d, a step of the job has %d products of two operands each", got, products)
	}
	return nil
}

// check refuses versions that this verifyd does not know, and numbers outside their ranges.
func (c *Curve) check() error {
	for _, f := range []struct{ field, got, want string }{{"version", c.Version, CurveVersion}, {"gate", c.Gate, Version}} {
		if f.got != f.want {
			return fault.New(fault.UnknownVersion, "", f.field, "%.60q, %q is needed", f.got, f.want)
		}
	}
	if err := c.Terms.Profile.Check(); err != nil {
		return fault.New(fault.Unsupported, "", "terms.profile", "%w", err)
	}
	if err := within("terms.steps", c.Terms.Steps, 1, maxSteps); err != nil {
		return err
	}
	if err := within("terms.stride", c.Terms.Stride, 1, maxStride); err != nil {
		return err
	}
	n, products := uint64(1), 0
	if len(c.Points) > 0 {
		products = len(c.Points[0].Rows) / 2
	}
	if c.Every != 0 {
		every := c.Terms.EveryOf(products)
		if err := within("every", c.Every, every, every); err != nil {
			return err
		}
		n = (c.Terms.Segments() + c.Every - 1) / c.Every
	}
	if got := uint64(len(c.Points)); got != n {
		return fault.New(fault.OutOfRange, "", "points", "%d, one of %d segments, every %d, has %d", got, c.Terms.Segments(), c.Every, n)
	}
	for i, p := range c.Points {
		if err := p.checkRows(fmt.Sprintf("points[%d].rows", i), products); err != nil {
			return err
		}
		for _, f := range []struct {
			field string
			got   uint64
			most  uint64
		}{
			{"work", p.Work, maxWork}, {"added", p.Added, maxCount}, {"drowned", p.Drowned, p.Added},
			{"elements", p.Elements, maxCount}, {"zero", p.Zero, p.Elements},
		} {
			if err := within(fmt.Sprintf("points[%d].%s", i, f.field), f.got, 0, f.most); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkRows refuses rows that are not two for each product, and numbers that no operand has.
func (p *Point) checkRows(field string, products int) error {
	if err := within(field, uint64(len(p.Rows)), 2*uint64(products), 2*uint64(min(products, maxProducts))); err != nil {
		return err
	}
	for k, d := range p.Rows {
		if err := within(fmt.Sprintf("%s[%d]", field, k), uint64(d), 0, mostRows); err != nil {
			return err
		}
	}
	return nil
}

func within(field string, got, least, most uint64) error {
	if got < least || got > most {
		return fault.New(fault.OutOfRange, "", field, "%d is outside %d to %d", got, least, most)
	}
	return nil
}
