package gate

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// five is a curve of five points.
func five() *Curve {
	c := &Curve{
		Version: CurveVersion, Gate: Version, Seed: merkle.Hash{1}, Every: 1,
		Terms: Terms{
			Program: merkle.Hash{2}, Profile: kernels.ProfileF32, Data: merkle.Hash{3}, Start: merkle.Hash{4}, Dropout: 1<<64 - 1, Steps: 23, Stride: 5,
		},
	}
	for i := range uint64(5) {
		c.Points = append(c.Points, Point{Totals{Work: 1<<62 - i, Drowned: i, Added: 100, Zero: 10 * i, Elements: 1000}, []uint32{7, mostRows, 0, uint32(i)}})
	}
	return c
}

func TestACurveComesBackFromItsFile(t *testing.T) {
	whole, alone := five(), five()
	alone.Every, alone.Points = 0, alone.Points[:1]
	for _, c := range []*Curve{whole, alone} {
		file, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadCurve("curve.json", file)
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%+v, %v", back, err)
		}
		if err := back.Fits(c.Terms, 2); err != nil {
			t.Error(err)
		}
	}
	if file, _ := whole.JSON(); Digest(file) != Digest(bytes.Clone(file)) || Digest(file).String() != "a0fba649cfc5e6a1953ef2feddcd8b3c8c4b0dc1c9610842873dbc3231050f81" {
		t.Errorf("digest %v: the encoding of curves has changed", Digest(file))
	}
}

func TestACurveOfTheMostPointsIsADocument(t *testing.T) {
	c := five()
	c.Terms.Steps, c.Terms.Stride = maxSteps, 1
	for _, products := range []int{0, 1, 219, 1 << 12, maxProducts} { // GPT-2 of twelve blocks has 219
		c.Every = c.Terms.EveryOf(products)
		c.Points = make([]Point, (maxSteps+c.Every-1)/c.Every)
		for i := range c.Points {
			c.Points[i] = Point{Totals{maxWork, maxCount, maxCount, maxCount, maxCount}, slices.Repeat([]uint32{mostRows}, 2*products)}
		}
		file, err := c.JSON()
		if err != nil || len(file) > document.MaxSize {
			t.Errorf("%d products: %d points, %d bytes, %v", products, len(c.Points), len(file), err)
		}
	}
}

func TestEachFieldOfACurveIsChecked(t *testing.T) {
	for words, spoil := range map[string]func(*Curve){
		"unknown-version version":         func(c *Curve) { c.Version = "verifyd-curve/2" },
		"unknown-version gate":            func(c *Curve) { c.Gate = "" },
		"unsupported terms.profile":       func(c *Curve) { c.Terms.Profile = 0 },
		"out-of-range terms.steps":        func(c *Curve) { c.Terms.Steps = 0 },
		"out-of-range terms.steps: 42949": func(c *Curve) { c.Terms.Steps = maxSteps + 1 },
		"out-of-range terms.stride":       func(c *Curve) { c.Terms.Stride = 0 },
		"out-of-range terms.stride: 1048": func(c *Curve) { c.Terms.Stride = maxStride + 1 },
		"out-of-range every":              func(c *Curve) { c.Every = 2 },
		"out-of-range points: 5":          func(c *Curve) { c.Every = 0 },
		"out-of-range points: 4":          func(c *Curve) { c.Points = c.Points[:4] },
		"out-of-range points: 0":          func(c *Curve) { c.Points = nil },
		"out-of-range points[3].work":     func(c *Curve) { c.Points[3].Work = maxWork + 1 },
		"out-of-range points[3].drowned":  func(c *Curve) { c.Points[3].Drowned = 101 },
		"out-of-range points[3].added":    func(c *Curve) { c.Points[3].Added = maxCount + 1 },
		"out-of-range points[3].zero":     func(c *Curve) { c.Points[3].Zero = 1001 },
		"out-of-range points[3].rows: 3":  func(c *Curve) { c.Points[3].Rows = c.Points[3].Rows[1:] },
		"out-of-range points[0].rows: 5":  func(c *Curve) { c.Points[0].Rows = append(c.Points[0].Rows, 1) },
		"out-of-range points[3].rows[2]":  func(c *Curve) { c.Points[3].Rows[2] = mostRows + 1 },
		"out-of-range points[3].elements": func(c *Curve) { c.Points[3].Elements = maxCount + 1 },
	} {
		c := five()
		spoil(c)
		class, field, _ := strings.Cut(words, " ")
		if _, err := c.JSON(); fault.Of(err) != fault.Class(class) || !strings.HasPrefix(err.Error(), "curve: "+field) {
			t.Errorf("%s: %v", words, err)
		}
		file, err := document.Encode(c)
		if err != nil && class != "unsupported" {
			t.Fatal(err)
		}
		if class == "unsupported" {
			good, _ := document.Encode(five())
			file = bytes.Replace(good, []byte(`"drn1/f32"`), []byte(`"drn9/f8"`), 1)
		}
		if _, err := ReadCurve("curve.json", file); fault.Of(err) != fault.Class(class) || !strings.HasPrefix(err.Error(), "curve.json: ") {
			t.Errorf("%s, read: %v", words, err)
		}
	}
}

func TestACurveOfAnotherJobDoesNotFit(t *testing.T) {
	for field, alter := range map[string]func(*Terms){
		"program": func(t *Terms) { t.Program[0]++ }, "profile": func(t *Terms) { t.Profile++ }, "data": func(t *Terms) { t.Data[0]++ },
		"start": func(t *Terms) { t.Start[0]++ }, "dropout": func(t *Terms) { t.Dropout++ }, "steps": func(t *Terms) { t.Steps++ },
		"stride": func(t *Terms) { t.Stride++ },
	} {
		terms := five().Terms
		alter(&terms)
		if err := five().Fits(terms, 2); fault.Of(err) != fault.WrongJob || !strings.HasPrefix(err.Error(), "terms."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := five().Fits(five().Terms, 3); fault.Of(err) != fault.WrongJob || !strings.HasPrefix(err.Error(), "points[0].rows") {
		t.Errorf("a step of other products: %v", err)
	}
	if n := reflect.TypeFor[Terms]().NumField(); n != 7 {
		t.Errorf("%d terms, 7 are compared", n)
	}
}

func TestTheReferenceIsTheMedianOfNeighboursAndOfRowsTheLeast(t *testing.T) {
	c := five()
	for i, work := range []uint64{9, 1, 5, 7, 3} {
		c.Points[i].Work, c.Points[i].Rows = work, []uint32{uint32(work), 8}
	}
	r := c.Reference()
	for step, want := range map[uint64]uint64{0: 5, 4: 5, 5: 5, 10: 5, 14: 5, 15: 3, 20: 5, 22: 5, 1 << 40: 5} {
		if got := r.At(step).Work; got != want {
			t.Errorf("step %d: %d, want %d", step, got, want)
		}
	}
	for step, want := range map[uint64]uint32{0: 1, 10: 1, 14: 1, 15: 1, 20: 3} {
		if got := r.at(step).Rows; got[0] != want || got[1] != 8 {
			t.Errorf("step %d: %d rows, want %d", step, got, want)
		}
	}
}

func FuzzReadCurve(f *testing.F) {
	file, err := five().JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:100])
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadCurve("f", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f: ") {
				t.Errorf("%v names no file", err)
			}
			return
		}
		if again, err := c.JSON(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%q comes back as %q, %v", data, again, err)
		}
		c.Reference().Outside(&Counters{Step: 1 << 63})
	})
}
