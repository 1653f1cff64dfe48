package gate_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) }

// The counters of two steps of each model, in hexadecimal: SHA-256 of what %+v prints.
var golden = map[string]string{
	"tiny mlp": "4bb4522a8932f482f43d0fbc5c0ca86ef6db4e57059350e7d14aabf43a2bd699",
	"tiny gpt": "9c565ff4c69e44221ab591a61bb15665787eefd2b5940c329bbf1e948d1b24c9",
	"mlp":      "a167a6968abdf06cc11cea59846f2e686b57250cbf01ce579c3e45af4d8a3d31",
	"cnn":      "4045104b32bd6dacd60d7aa51019f2be30ff09cf2c7d208ab5f938a4c2d88c28",
	"gpt":      "902005db3d3eb563be891dc69c51c37ec11f6794d624268a571cac3bbb0f3cc6",
}

func TestCountersAreFixedForAllTimeAndEveryDevice(t *testing.T) {
	devices := map[string]engine.Device{}
	for _, isa := range kernels.Available() {
		for _, threads := range []int{1, 2, 8} {
			devices[fmt.Sprintf("%v with %d threads", isa, threads)] = processor(t, isa, threads)
		}
	}
	shim := kernelstest.Shim(t, kernelstest.Ascending)
	emulated := engine.NewDevice(shim.Name(), shim.Name(), shim.Memory)
	for i, m := range append(tiny(t), models(t)...) {
		if devices[shim.Name()] = emulated; i > 2 {
			delete(devices, shim.Name()) // an emulated GPU takes its time
		}
		for name, d := range devices {
			r := begin(t, d, m.program, m.data, 1)
			digest := sha256.New()
			for step := range uint64(4) {
				if step%3 == 0 {
					fmt.Fprintf(digest, "%+v\n", *r.measure(step, 7))
				} else {
					r.step(step)
				}
			}
			if got := hex.EncodeToString(digest.Sum(nil)); got != golden[m.name] {
				t.Errorf("%s on %s: %q, want %q: draws, counts or the bits of a step have changed", m.name, name, got, golden[m.name])
			}
		}
	}
}

// tiny are models of several micro-batches, with dropout and clipping.
func tiny(t testing.TB) []model {
	t.Helper()
	blobs, err := verifytest.Blobs(60, 7)
	must(t, err)
	text, err := verifytest.Text(40)
	must(t, err)
	return []model{{"tiny mlp", verifytest.MLP(), blobs}, {"tiny gpt", verifytest.GPT(), text}}
}

func TestAMeasuredStepIsTheSameStep(t *testing.T) {
	for _, m := range models(t) {
		a, b := begin(t, fastest(t), m.program, m.data, 1), begin(t, fastest(t), m.program, m.data, 1)
		for step := range uint64(3) {
			a.step(step)
			b.measure(step, 7)
		}
		if !reflect.DeepEqual(a.save(), b.save()) {
			t.Errorf("%s: the measure changed the training", m.name)
		}
	}
}

// references are the start of a run and its curve, of so many steps in segments of three.
func references(r *run, steps uint64) (start, whole *gate.Reference) {
	curve := gate.Curve{Every: 1, Terms: gate.Terms{Steps: steps, Stride: 3}}
	for step := range steps {
		if step%3 == 0 {
			curve.Points = append(curve.Points, r.measure(step, 7).Point())
		} else {
			r.step(step)
		}
	}
	return gate.FromStart(curve.Points[0]), curve.Reference()
}

func TestHonestStepsAreInside(t *testing.T) {
	for _, m := range models(t) {
		start, ref := references(begin(t, fastest(t), m.program, m.data, 1), 60)
		r := begin(t, fastest(t), m.program, m.data, 2)
		for step := range uint64(60) {
			c := r.measure(step, 8)
			for name, reference := range map[string]*gate.Reference{"start": start, "curve": ref} {
				if why := reference.Outside(c); len(why) > 0 {
					t.Errorf("%s: step %d is outside by the %s: %v, %+v beside %+v", m.name, step, name, why, c.Totals(), reference.At(step))
				}
			}
		}
	}
}

// inside are the states that a start alone lets pass, where a curve does not, and why.
var inside = map[string]string{
	"gpt: certain of its answers":      "a start allows for units that a training loses by itself",
	"gpt: small integers of rank four": "cheap for one step, unless rates, data and gradients stay dyadic",
}

func TestCheapStatesAreOutside(t *testing.T) {
	met := map[string]bool{}
	for _, m := range models(t) {
		r := begin(t, fastest(t), m.program, m.data, 1)
		start, curve := references(r, 45)
		r = begin(t, fastest(t), m.program, m.data, 2)
		for step := range uint64(30) {
			r.step(step)
		}
		state := r.save()
		for _, cheap := range verifytest.CheapStates() {
			r.load(state)
			forged := r.save()
			if cheap.Gain == "-" || !cheap.Forge(verifytest.NewState(r.spec.Plan, forged)) {
				continue // tempting, and not cheap
			}
			name := m.name + ": " + cheap.Name
			for seed := range byte(3) {
				r.load(forged)
				c := r.measure(30, seed)
				for by, ref := range map[string]*gate.Reference{"start": start, "curve": curve} {
					why := ref.Outside(c)
					if len(why) > 0 == (by == "start" && inside[name] != "") {
						t.Errorf("%s: outside %v by the %s, %+v beside %+v", name, why, by, c.Totals(), ref.At(30))
					}
				}
			}
			met[name] = true
		}
	}
	for name := range inside {
		if !met[name] {
			t.Errorf("%s was not tried", name)
		}
	}
}

func TestWhereAStepIsMeasuredFollowsFromTheSeedAndTheStepAndNothingIsLonger(t *testing.T) {
	for _, m := range append(models(t), tiny(t)...) {
		spec, err := engine.NewSpec(m.program, kernels.ProfileF32, 12)
		must(t, err)
		p, err := gate.NewPlan(spec.Plan)
		must(t, err)
		first := p.Draw([32]byte{1}, 5)
		if again := p.Draw([32]byte{1}, 5); !reflect.DeepEqual(first.Reads, again.Reads) {
			t.Errorf("%s: drawn twice, in two ways", m.name)
		}
		if n := program.ReadWords(first.Reads); n != p.Words() {
			t.Errorf("%s: %d words, the plan has %d", m.name, n, p.Words())
		}
		for _, other := range []*gate.Sample{p.Draw([32]byte{2}, 5), p.Draw([32]byte{1}, 6)} {
			if reflect.DeepEqual(first.Reads, other.Reads) {
				t.Errorf("%s: one draw for another seed or step", m.name)
			}
			for i, r := range other.Reads {
				f := first.Reads[i]
				if r.Call != f.Call || r.Operand != f.Operand || r.After != f.After || len(r.At) != len(f.At) {
					t.Errorf("%s: read %d has another shape", m.name, i)
				}
			}
		}
		if _, err := first.Count(make([]uint32, p.Words()+1)); err == nil {
			t.Errorf("%s: counted a word too many", m.name)
		}
	}
}

func TestWorkIsNeverMoreThanTheMultiplyAddsOfAStep(t *testing.T) {
	for _, m := range append(models(t), tiny(t)...) {
		r := begin(t, fastest(t), m.program, m.data, 1)
		c := r.measure(0, 3)
		sum := uint64(0)
		for _, p := range c.Products {
			sum += p.T
			if p.E > p.S || p.A.D > p.A.R || p.B.D > p.B.R || p.Work() > p.T || p.S == 0 {
				t.Errorf("%s: %+v, work %d", m.name, p, p.Work())
			}
		}
		if sum != r.plan.Terms() || c.Totals().Work > sum {
			t.Errorf("%s: %d multiply-adds and work of %d, the plan has %d", m.name, sum, c.Totals().Work, r.plan.Terms())
		}
		if flops := r.spec.Plan.FLOPs(); 2*sum > flops || m.name == "mlp" && 10*2*sum < 9*flops {
			t.Errorf("%s: %d multiply-adds, the plan counts %d operations", m.name, sum, flops)
		}
	}
}

// Units of a layer are seen where that layer is looked at, however much work the others do.
func TestAQuarterOfALayersUnitsDeadOrEqualIsOutsideByTheCurve(t *testing.T) {
	for _, m := range models(t) {
		r := begin(t, fastest(t), m.program, m.data, 1)
		_, curve := references(r, 45)
		r = begin(t, fastest(t), m.program, m.data, 2)
		for step := range uint64(30) {
			r.step(step)
		}
		state := r.save()
		for _, share := range verifytest.Shares() {
			if m.name == "cnn" { // of 8 and 16 channels three and four may be missing by chance
				continue
			}
			forged := r.save()
			r.load(state)
			for i, x := range state {
				copy(forged[i], x)
			}
			if !share.Forge(verifytest.NewState(r.spec.Plan, forged), 25) {
				t.Fatalf("%s: no hidden units", m.name)
			}
			for seed := range byte(3) {
				r.load(forged)
				if c := r.measure(30, seed); len(curve.Outside(c)) == 0 {
					t.Errorf("%s: a quarter of the units %s is inside: %+v", m.name, share.Name, c.Products)
				}
			}
		}
	}
}
