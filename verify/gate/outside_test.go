package gate

import (
	"slices"
	"testing"
)

// counted are counters with these totals.
func counted(t Totals) *Counters {
	return &Counters{
		Products: []Product{{T: t.Work}},
		Sums:     []Sum{{Drowned: uint32(t.Drowned), Added: uint32(t.Added)}},
		Tensors:  []Tensor{{Elements: t.Elements, Seen: uint32(t.Elements), Zero: uint32(t.Zero)}},
	}
}

func TestAStepIsOutsideFromTheThresholdOnAndNotBefore(t *testing.T) {
	ref := Totals{Work: 1000, Drowned: 10, Added: 100, Zero: 400, Elements: 1000}
	curve := &Reference{every: 1, points: []Point{{Totals: ref}}}
	start := FromStart(Point{Totals: ref})
	for _, c := range []struct {
		what         string
		got          Totals
		curve, start []Reason
	}{
		{"as the reference", ref, nil, nil},
		{"four fifths of the work", Totals{Work: 800}, nil, nil},
		{"a little less", Totals{Work: 799}, nil, []Reason{TooLittleWork}},
		{"three quarters", Totals{Work: 750}, nil, []Reason{TooLittleWork}},
		{"less", Totals{Work: 749}, []Reason{TooLittleWork}, []Reason{TooLittleWork}},
		{"three tenths drowned", Totals{Work: 1000, Drowned: 30, Added: 100}, nil, nil},
		{"more", Totals{Work: 1000, Drowned: 301, Added: 1000}, []Reason{TooManyDrowned}, []Reason{TooManyDrowned}},
		{"seven tenths zero", Totals{Work: 1000, Zero: 700, Elements: 1000}, nil, nil},
		{"more zeros", Totals{Work: 1000, Zero: 701, Elements: 1000}, []Reason{TooManyZeros}, []Reason{TooManyZeros}},
	} {
		for name, r := range map[string]*Reference{"curve": curve, "start": start} {
			want := c.curve
			if name == "start" {
				want = c.start
			}
			if got := r.Outside(counted(c.got)); !slices.Equal(got, want) {
				t.Errorf("%s, beside a %s: %v, want %v", c.what, name, got, want)
			}
		}
	}
	few := &Reference{every: 1, points: []Point{{Totals: Totals{Work: 1000}}}} // of which nothing drowns and no gradient is zero
	for got, want := range map[Totals]bool{
		{Work: 1000, Drowned: 20, Added: 100}: false, {Work: 1000, Drowned: 21, Added: 100}: true,
		{Work: 1000, Zero: 60, Elements: 100}: false, {Work: 1000, Zero: 61, Elements: 100}: true,
		{Work: 1000, Zero: 31, Elements: 100}: false,
	} {
		if outside := len(few.Outside(counted(got))) > 0; outside != want {
			t.Errorf("%+v: outside is %v", got, outside)
		}
	}
	if why := FromStart(Point{}).Outside(counted(Totals{})); len(why) > 0 {
		t.Errorf("nothing beside nothing: %v", why)
	}
}

func TestAParameterIsStillOnlyWhereItHasGradientsAndShouldMove(t *testing.T) {
	r := FromStart(Point{})
	for _, c := range []struct {
		tensor  Tensor
		updated bool
		want    bool
	}{
		{Tensor{Elements: 100, Seen: 100, Still: 75}, true, false},
		{Tensor{Elements: 100, Seen: 100, Still: 76}, true, true},
		{Tensor{Elements: 100, Seen: 100, Still: 76}, false, false},
		{Tensor{Elements: 100, Seen: 100, Zero: 50, Still: 38}, true, true},
		{Tensor{Elements: 100, Seen: 100, Zero: 59, Still: 30}, true, false},
		{Tensor{Elements: 15, Seen: 15, Still: 15}, true, false},
		{Tensor{Elements: 16, Seen: 16, Still: 16}, true, true},
	} {
		got := slices.Contains(r.Outside(&Counters{Updated: []bool{c.updated}, Tensors: []Tensor{{}, c.tensor}}), TooStill)
		if got != c.want {
			t.Errorf("%+v: still is %v", c, got)
		}
	}
}

func TestAParameterIsStillByTheRateOfItsOwnGroup(t *testing.T) {
	r := FromStart(Point{})
	still := Tensor{Elements: 100, Seen: 100, Still: 100}
	for group, want := range []bool{true, false, true} {
		still.Group = group
		got := slices.Contains(r.Outside(&Counters{Updated: []bool{true, false, true}, Tensors: []Tensor{{}, still}}), TooStill)
		if got != want {
			t.Errorf("group %d: still is %v", group, got)
		}
	}
}

func TestAnOperandHasTooFewRowsFromTheThresholdOnAndNotBefore(t *testing.T) {
	for _, c := range []struct {
		n           uint32
		units       bool
		least, most uint32 // missing rows that are inside, and that are outside
		start       uint32 // missing rows that are outside beside a start
	}{
		{8, true, 2, 3, 5}, {16, true, 3, 4, 9}, {96, true, 12, 13, 34}, {128, true, 16, 17, 44}, {1024, true, 86, 87, 289}, {2048, true, 160, 161, 558},
		{8, false, 4, 5, 7}, {32, false, 12, 13, 22}, {128, false, 36, 37, 76}, {2048, false, 454, 455, 1070},
	} {
		for name, r := range map[string]*Reference{"curve": {every: 1, points: []Point{{Rows: []uint32{c.n, c.n}}}}, "start": FromStart(Point{Rows: []uint32{c.n, c.n}})} {
			for missing := range c.n + 1 {
				want := missing >= c.most
				if name == "start" {
					want = missing >= c.start
				}
				full, few := Rows{D: c.n, R: c.n, N: c.n, Units: c.units}, Rows{D: c.n - missing, N: c.n, Units: c.units}
				for _, p := range []Product{{A: few, B: full}, {A: full, B: few}} {
					if got := slices.Contains(r.Outside(&Counters{Products: []Product{p}}), TooFewRows); got != want {
						t.Errorf("%s: %d of %d rows missing, units %v: outside is %v", name, missing, c.n, c.units, got)
					}
				}
			}
		}
		if c.least+1 != c.most {
			t.Errorf("%d of %d is between", c.least, c.most)
		}
	}
	more := &Reference{every: 1, points: []Point{{Rows: []uint32{0, mostRows}}}} // a curve's first one is none that is looked at
	if why := more.Outside(&Counters{Products: []Product{{A: Rows{N: 9}, B: Rows{D: mostRows, N: mostRows}}, {A: Rows{N: 9}}}}); len(why) > 0 {
		t.Errorf("%v", why)
	}
}

func TestQuotientsOfTheLargestNumbersAreExact(t *testing.T) {
	p := Product{T: maxWork, E: 1<<32 - 1, S: 1<<32 - 1, A: Rows{D: 1<<32 - 2, R: 1<<32 - 1}, B: Rows{D: 1, R: 1}}
	if got, want := p.Work(), uint64(maxWork-maxWork/(1<<32-1)-1); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if got := (&Product{T: 9, S: 0}).Work(); got != 9 {
		t.Errorf("nothing was looked at, and work is %d", got)
	}
	x := Tensor{Elements: 1<<64 - 1, Seen: 1<<32 - 1, Zero: 1<<32 - 1}
	if x.zeros() != x.Elements {
		t.Errorf("%d zeros of %d", x.zeros(), x.Elements)
	}
	r := FromStart(Point{Totals: Totals{Work: maxWork}})
	if why := r.Outside(counted(Totals{Work: maxWork / 5 * 4})); !slices.Equal(why, []Reason{TooLittleWork}) {
		t.Errorf("%v", why)
	}
}
