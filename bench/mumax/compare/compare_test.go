// SPDX-License-Identifier: GPL-3.0-or-later

package compare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

func TestARunMeasuresBothSidesAndCountsTheirResults(t *testing.T) {
	ours, captured, peer, o := trio(t)
	ours.unit, captured.unit, peer.unit = 2*time.Microsecond, time.Microsecond, 4*time.Microsecond
	peer.disturb = func(r Reduction, run int, v float32) float32 { // two sums, one of them three times as often
		if run%4 == 0 && r != MaxAbsolute {
			return next(v)
		}
		return v
	}
	report, err := Run(t.Context(), ours, captured, peer, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		want := map[string]float64{"": 0, "ours": 2, "captured": 4}[row.By]
		if row.Ratio != nil && (row.Ratio.Median != want || row.Ours.Samples != o.Rounds) || row.Peer.Median != 4e-6 {
			t.Errorf("%s by %q: %+v against %+v, ratio %+v", row.Name, row.By, row.Ours, row.Peer, row.Ratio)
		}
	}
	distinct := map[string]int{}
	for _, p := range report.Repeats {
		distinct[p.Side+" "+string(p.Reduction)] = p.Distinct
		if p.Runs != o.Runs || p.Patterns[0].Times < p.Patterns[len(p.Patterns)-1].Times {
			t.Errorf("%+v", p)
		}
	}
	want := map[string]int{"ours sum": 1, "ours sum of squares": 1, "peer sum": 2, "peer sum of squares": 2, "peer largest magnitude": 1}
	if !reflect.DeepEqual(distinct, want) {
		t.Errorf("different results %v, want %v", distinct, want)
	}
}

func TestASumOfOursThatVariesIsAnErrorAndIsReported(t *testing.T) {
	ours, captured, peer, o := trio(t)
	ours.disturb = func(_ Reduction, run int, v float32) float32 {
		if run == 60 { // among the repeated sums
			return next(v)
		}
		return v
	}
	report, err := Run(t.Context(), ours, captured, peer, o)
	if err == nil || !strings.Contains(err.Error(), "2 different results") {
		t.Fatalf("error %v", err)
	}
	if len(report.Repeats) == 0 {
		t.Error("nothing was reported")
	}
}

func TestASumOfOursMustHaveTheBitsOfTheCPU(t *testing.T) {
	ours, captured, peer, o := trio(t)
	ours.disturb = func(_ Reduction, _ int, v float32) float32 { return next(v) }
	if _, err := Run(t.Context(), ours, captured, peer, o); err == nil || !strings.Contains(err.Error(), "on the CPU") {
		t.Fatalf("error %v", err)
	}
}

func TestAPeerMayRoundASumDifferently(t *testing.T) {
	ours, captured, peer, o := trio(t)
	peer.disturb = func(_ Reduction, _ int, v float32) float32 { return next(v) }
	peer.maximum = false
	if _, err := Run(t.Context(), ours, captured, peer, o); err != nil {
		t.Fatal(err)
	}
}

func TestWhatComputesSomethingElseIsNotTimed(t *testing.T) {
	for name, spoil := range map[string]func(*paper){
		"a sum that is off":      func(p *paper) { p.disturb = func(_ Reduction, _ int, v float32) float32 { return v + 1 } },
		"a sum that is no sum":   func(p *paper) { p.disturb = func(Reduction, int, float32) float32 { return float32(math.NaN()) } },
		"an element that is not": func(p *paper) { p.mistaken = func(c []float32) { c[len(c)-1] = next(c[len(c)-1]) } },
	} {
		t.Run(name, func(t *testing.T) {
			ours, captured, peer, o := trio(t)
			spoil(peer)
			report, err := Run(t.Context(), ours, captured, peer, o)
			if err == nil || !strings.HasPrefix(err.Error(), "peer: ") || len(report.Rows) > 0 {
				t.Errorf("error %v after %d rows", err, len(report.Rows))
			}
		})
	}
}

func TestTheSidesTakeTurnsBothWays(t *testing.T) {
	ours, _, peer, _ := trio(t)
	unit := func(s Side) (time.Duration, error) { return s.Reduce(t.Context(), Sum, make([]float32, 1)) }
	for _, p := range []*paper{ours, peer} {
		if err := p.Place(t.Context(), []float32{1}, []float32{1}); err != nil {
			t.Fatal(err)
		}
	}
	times, err := alternate(2, 1, unit, []Side{ours, peer})
	if err != nil || len(times[0]) != 2 || len(times[1]) != 2 {
		t.Fatalf("%v, %v", times, err)
	}
	if got := strings.Join(*ours.turns, " "); got != "ours peer peer ours ours peer" {
		t.Errorf("turns: %s", got)
	}
}

func TestTheRatioIsTheMedianOverTheRounds(t *testing.T) {
	r := ratioOf([]time.Duration{10, 20, 40}, []time.Duration{30, 10, 20})
	if want := (Ratio{Median: 0.5, Q1: 0.5, Q3: 1.75}); r != want {
		t.Errorf("ratio %+v, want %+v", r, want)
	}
	if s := spreadOf([]time.Duration{4 * time.Second, time.Second, 2 * time.Second, 3 * time.Second}); s != (Spread{2.5, 1.75, 3.25, 4}) {
		t.Errorf("spread %+v", s)
	}
}

func TestResultsAreToldApartByTheirBits(t *testing.T) {
	zero := float32(math.Copysign(0, -1))
	p := patternsOf("side", Sum, []float32{0}, []float32{0, zero, 0, next(0)})
	if p.Distinct != 3 || p.Patterns[0] != (Pattern{"00000000", 0, 2}) || p.Patterns[1].Bits != "00000001" || p.Patterns[2].Bits != "80000000" {
		t.Errorf("%+v", p)
	}
	if p.Spread != 1 {
		t.Errorf("spread of %v units in the last place, want 1", p.Spread)
	}
}

func TestTheOperandsAreTheSameEverywhere(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	a, b, err := operands(cpu, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, v := range [][]float32{a, b} {
		if err := binary.Write(h, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	const want = "b14faefdbf1777a1dbfc644caf4595bb7d4a43fa0cc8babdef18041484781e7c"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if short, _, _ := operands(cpu, 1000); short[999] != a[999] {
		t.Error("a shorter vector is not the beginning of a longer one")
	}
}

func TestARunThatIsInterruptedSaysSo(t *testing.T) {
	ours, captured, peer, o := trio(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, ours, captured, peer, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestOptionsThatMeasureNothingAreRefused(t *testing.T) {
	ours, captured, peer, good := trio(t)
	for name, spoil := range map[string]func(*Options){
		"rounds":  func(o *Options) { o.Rounds = 0 },
		"times":   func(o *Options) { o.Times = -1 },
		"runs":    func(o *Options) { o.Runs = 0 },
		"sizes":   func(o *Options) { o.Sizes = []int{0} },
		"repeats": func(o *Options) { o.Repeats = []int{-4} },
	} {
		o := good
		spoil(&o)
		if _, err := Run(t.Context(), ours, captured, peer, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTheReportIsReadableByMachinesAndByPeople(t *testing.T) {
	spread := func(median float64) Spread { return Spread{median, median, median, 3} }
	ours := spread(100e-6)
	r := &Report{
		Machine: Machine{Device: "Paper GPU", Capability: "9.0", Driver: "CUDA 12.8", Commit: "0123456789ab", Peer: "peer v1", Date: "2026-01-02T03:04:05Z"},
		Rows: []Row{
			{Name: "sum of 2^26", By: "launches", Ours: &ours, Peer: spread(3e-3), Ratio: &Ratio{30, 29, 31}, Bytes: 4 << 26},
			{Name: "largest magnitude of 2^26", Peer: spread(5e-6)},
		},
		Repeats: []Repeat{{Side: "mumax3", Reduction: Sum, Elements: 1000, Runs: 7, Distinct: 3, Spread: 2}},
	}
	var text, data bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Paper GPU, compute capability 9.0", "100.00 us, 2684 GB/s", "3.000 ms, 89 GB/s", "30.00 (29.00 to 31.00)", "5.00 us", "sum of 1000"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if err := r.JSON(&data); err != nil {
		t.Fatal(err)
	}
	back := new(Report)
	if err := json.Unmarshal(data.Bytes(), back); err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%+v, %v, want %+v", back, err, r)
	}
}
