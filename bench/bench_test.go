package bench

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestAQuickRunFillsEveryGroup(t *testing.T) {
	var told []string
	report, err := Run(t.Context(), Options{Quick: true, Progress: func(what string) { told = append(told, what) }})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, r := range report.Rows {
		rows[r.Group]++
		if r.Name == "" || r.Ours != nil && !(r.Ours.Median > 0 && r.Ours.Samples > 0) {
			t.Errorf("row %+v is empty", r)
		}
		if r.Unit == "allocations" && r.Value != 0 {
			t.Errorf("%s: %v, none are allowed", r.Name, r.Value)
		}
	}
	for _, group := range told {
		if rows[group] == 0 && group != "verify" { // which needs a built verifyd

			t.Errorf("group %s has no row", group)
		}
	}
	if len(told) < 4 || !report.Quick || report.Machine.Cores < 1 || report.Machine.CPU == "" {
		t.Errorf("told %v, report %+v", told, report.Machine)
	}

	var file bytes.Buffer
	if err := report.JSON(&file); err != nil {
		t.Fatal(err)
	}
	again := new(Report)
	if err := json.Unmarshal(file.Bytes(), again); err != nil || !reflect.DeepEqual(report, again) {
		t.Errorf("the JSON does not read back: %v", err)
	}
	var table strings.Builder
	if err := report.Markdown(&table); err != nil {
		t.Fatal(err)
	}
	_, cells, _ := strings.Cut(table.String(), "|---|")
	if n := strings.Count(cells, "\n") - 1; n != len(report.Rows) {
		t.Errorf("the table has %d rows, the report %d", n, len(report.Rows))
	}
}

func TestTheOperatorsOfAStepAreTimedWhenAskedFor(t *testing.T) {
	report, err := Run(t.Context(), Options{Quick: true, Only: "operators"})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, r := range report.Rows {
		names[r.Name] = true
	}
	for _, name := range []string{"mlp: gemm", "mlp: sgd", "cnn: conv2d", "gpt: attention_grad", "gpt: adam"} {
		if !names[name] {
			t.Errorf("no row %q in %v", name, names)
		}
	}
}

func TestValuationsAreTimedWhenAskedFor(t *testing.T) {
	report, err := Run(t.Context(), Options{Quick: true, Only: "values"})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 6 {
		t.Errorf("%d rows", len(report.Rows))
	}
	for _, r := range report.Rows {
		if r.Group != "values" || r.Ours == nil || r.Ours.Median <= 0 || r.Limit != 0 || r.Goal != 0 {
			t.Errorf("row %+v", r)
		}
	}
}

func TestAnAnswerIsTimedBesideTheSegmentsThatWereDrawnWhenAskedFor(t *testing.T) {
	report, err := Run(t.Context(), Options{Quick: true, Only: "answer"})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 1 || report.Rows[0].Ours.Median <= report.Rows[0].Peer.Median {
		t.Errorf("%+v", report.Rows)
	}
}

func TestAGoalOfAnUpperLimitIsMetFromBelow(t *testing.T) {
	for value, want := range map[float64]string{0.4: "at most 1: met; goal 0.5: met", 0.6: "at most 1: met; goal 0.5", 2: "at most 1: **not met**; goal 0.5"} {
		if got := (&Row{Value: value, Limit: 1, Goal: 0.5, Most: true}).asked(); got != want {
			t.Errorf("%v: %q, want %q", value, got, want)
		}
	}
}

func TestBundlesOfEachModelPass(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cpu.Close)
	for _, m := range models(true) {
		b, err := makeBundle(t.Context(), m, cpu, t.TempDir(), "claim", twoSegments)
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		block, err := os.ReadFile(b.operator)
		if err != nil {
			t.Fatal(err)
		}
		der, _ := pem.Decode(block)
		public, err := x509.ParsePKIXPublicKey(der.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key, err := document.NewKey(public)
		if err != nil {
			t.Fatal(err)
		}
		device := engine.NewCPU("cpu", cpu, 1)
		v, err := verify.Judge(t.Context(), b.dir, key, verify.Options{Devices: []engine.Device{device, device}})
		if err != nil || v.Finding.Outcome != verify.Pass {
			t.Errorf("%s: verdict %+v, error %v", m.name, v, err)
		}
	}
}

func TestAnUnknownGroupIsRefused(t *testing.T) {
	if _, err := Run(t.Context(), Options{Quick: true, Only: "shapley"}); err == nil {
		t.Error("no error")
	}
}

func TestContendersTakeTurnsAndChangePlaces(t *testing.T) {
	var order []string
	contender := func(name string) Contender {
		return Contender{Name: name, Run: func() (Sample, error) {
			order = append(order, name)
			return Sample{Wall: time.Duration(len(order))}, nil
		}}
	}
	samples, err := Alternate(3, 1, 0, contender("a"), contender("b"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "abbaabba" {
		t.Errorf("order %s", got)
	}
	if want := [][]Sample{{{Wall: 4}, {Wall: 5}, {Wall: 8}}, {{Wall: 3}, {Wall: 6}, {Wall: 7}}}; !reflect.DeepEqual(samples, want) {
		t.Errorf("samples %v, want %v", samples, want)
	}
	broken := Contender{Name: "c", Run: func() (Sample, error) { return Sample{}, errors.New("no") }}
	if _, err := Alternate(1, 0, 0, broken); err == nil || !strings.Contains(err.Error(), "c: no") {
		t.Errorf("error %v", err)
	}
}

func TestQuantilesInterpolate(t *testing.T) {
	for _, c := range []struct {
		sorted []float64
		q      float64
		want   float64
	}{
		{nil, 0.5, 0}, {[]float64{7}, 0.25, 7}, {[]float64{1, 3}, 0.5, 2}, {[]float64{1, 2, 3, 4, 5}, 0.25, 2}, {[]float64{1, 2, 3, 4}, 0.75, 3.25}, {[]float64{1, 9}, 1, 9},
	} {
		if got := quantile(c.sorted, c.q); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.sorted, c.q, got, c.want)
		}
	}
}

func TestTheRatioIsTheMedianOverTheRounds(t *testing.T) {
	ours := []Sample{{Wall: 10, CPU: 1}, {Wall: 20, CPU: 1}, {Wall: 40, CPU: 1}}
	peer := []Sample{{Wall: 30, CPU: 2}, {Wall: 10, CPU: 2}, {Wall: 20, CPU: 2}}
	r := ratioOf(ours, peer)
	if want := (Ratio{Median: 0.5, Q1: 0.5, Q3: 1.75, Best: 1, CPU: 2}); math.Abs(r.Median-want.Median)+math.Abs(r.Best-want.Best)+math.Abs(r.Q1-want.Q1)+math.Abs(r.Q3-want.Q3)+math.Abs(r.CPU-want.CPU) > 1e-12 {
		t.Errorf("ratio %+v, want %+v", r, want)
	}
}

func TestARowSaysWhetherItReachesWhatIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		row  Row
		met  bool
		says string
	}{
		"nothing asked":     {Row{Value: 3}, true, ""},
		"ratio reached":     {Row{Ratio: &Ratio{Median: 0.95}, Limit: 0.9}, true, "at least 0.9: met"},
		"ratio missed":      {Row{Ratio: &Ratio{Median: 0.85}, Limit: 0.9}, false, "at least 0.9: **not met**"},
		"no allocations":    {Row{Unit: "allocations", Most: true}, true, "at most 0: met"},
		"an allocation":     {Row{Value: 1, Unit: "allocations", Most: true}, false, "at most 0: **not met**"},
		"bytes are in MiB":  {Row{Value: 3 << 20, Unit: "byte", Limit: 2 << 20, Most: true}, false, "at most 2.0 MiB: **not met**"},
		"rate of a measure": {Row{Ours: &Spread{Median: 1}, Unit: "byte", Value: 3, Limit: 2}, true, "at least 2: met"},
	} {
		if c.row.Met() != c.met || c.row.asked() != c.says {
			t.Errorf("%s: met %v, says %q", name, c.row.Met(), c.row.asked())
		}
	}
}

func TestWhatCostsMoreThanItMayIsNotMet(t *testing.T) {
	without := []Sample{{Wall: 100}, {Wall: 200}, {Wall: 400}}
	for percent, met := range map[time.Duration]bool{98: true, 104: true, 106: false, 300: false} {
		var with []Sample
		for _, s := range without {
			with = append(with, Sample{Wall: s.Wall * percent / 100})
		}
		row := (&session{}).surcharge("gate", "a segment", with, without, gateLimit)
		if row.Met() != met {
			t.Errorf("%d %% of the time without: %s", percent, row.asked())
		}
	}
}

func TestASegmentIsReckonedFromItsFirstStepAndOneOfTheOthers(t *testing.T) {
	first, other := Sample{Wall: 15, CPU: 14, Device: 3}, Sample{Wall: 10, CPU: 9, Device: 1}
	if got, want := first.and(9, other), (Sample{Wall: 105, CPU: 95, Device: 12}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAPeerIsAskedLineByLine(t *testing.T) {
	const script = `echo peer 1.0; while read a b; do case $a in time) echo $b 7;; *) echo error no $a;; esac; done`
	p, err := startPeer(t.Context(), nil, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != "peer 1.0" {
		t.Errorf("version %q", p.Version)
	}
	if s, err := p.Time("time 5"); err != nil || s != (Sample{Wall: 5, CPU: 7}) {
		t.Errorf("sample %v, error %v", s, err)
	}
	if err := p.Ask("sing"); err == nil || !strings.Contains(err.Error(), "no sing") {
		t.Errorf("error %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := startPeer(t.Context(), nil, "sh", "-c", "exit 3"); err == nil {
		t.Error("a peer that ends at once is taken for a running one")
	}
}
