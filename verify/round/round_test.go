package round

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/verifytest"
)

var rules = []Rule{
	{Kind: Mean, Weights: ByRows},
	{Kind: Mean, Weights: Equally},
	{Kind: Nesterov, Weights: ByRows, Rate: 700_000, Momentum: 900_000},
}

// finalsOf reads the tensors of the finals in a folder, by name, in the order of an aggregate.
func finalsOf(t *testing.T, r *rig, finals []Final) (all []*safetensors.File) {
	t.Helper()
	for _, f := range finals {
		all = append(all, must(safetensors.ReadFile(filepath.Join(r.dir, FinalsDir, f.Claim.String()+tensorsSuffix), 1<<20))(t))
	}
	return all
}

// TestTheNextBaseIsTheOneThatTheSpecificationDefines computes it in other words, from rational numbers where it can.
func TestTheNextBaseIsTheOneThatTheSpecificationDefines(t *testing.T) {
	for _, rule := range rules {
		r := newRig(t, rule, verifytest.MLP(), 40, 30, 20)
		b := r.open(t, 2)
		m := must(b.Aggregate(t.Context(), r.operator))(t)
		finals := m.Aggregate.Finals
		total := 0.0
		for i, f := range finals {
			if want := f.Data.Samples; rule.Weights == ByRows && f.Weight != want || rule.Weights == Equally && f.Weight != 1 {
				t.Errorf("final %d of %d rows weighs %d", i, want, f.Weight)
			}
			total += float64(f.Weight)
		}
		files := finalsOf(t, r, finals)
		for i, spec := range b.spec.Plan.Base() {
			for k := range spec.Len() {
				sum := 0.0
				for n, f := range files {
					x, _ := f.Tensor("param/" + spec.Name)
					// A product of a weight below 2^29 and a binary32 is exact.
					sum += float64(finals[n].Weight) * float64(x.F32[k])
				}
				want := float32(sum / total)
				if rule.Kind == Nesterov { // the first momentum is the way itself
					g := b.Base.Tensors()[i][k] - want
					u := float32(float32(0.9)*g) + g
					want = b.Base.Tensors()[i][k] - float32(float32(0.7)*u)
					if m.Momentum[i][k] != g {
						t.Fatalf("%s[%d]: momentum %v, want %v", spec.Name, k, m.Momentum[i][k], g)
					}
				}
				if got := m.Base.Tensors()[i][k]; got != want {
					t.Fatalf("%+v: %s[%d] is %v, want %v", rule, spec.Name, k, got, want)
				}
			}
		}
		if _, _, err := r.open(t, 1).Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestAMeanIsTheNearestNumberAndThatOfEqualFinalsIsTheirs compares with rational numbers.
func TestAMeanIsTheNearestNumberAndThatOfEqualFinalsIsTheirs(t *testing.T) {
	noise := uint64(1)
	draw := func() uint64 { noise = noise*6364136223846793005 + 1442695040888963407; return noise >> 11 }
	for range 2000 {
		n := 1 + int(draw()%32)
		sums, same, total, exact := []float64{0}, []float64{0}, uint64(0), new(big.Rat)
		equal := math.Float32frombits(uint32(draw()) & 0xff7fffff)
		if equal-equal != 0 {
			continue
		}
		for range n {
			w := 1 + draw()%(1<<24)
			x := float32(int32(draw())) / (1 << 20)
			fold(sums, float64(w), []float32{x})
			fold(same, float64(w), []float32{equal})
			total += w
			exact.Add(exact, new(big.Rat).Mul(new(big.Rat).SetUint64(w), new(big.Rat).SetFloat64(float64(x))))
		}
		want, _ := exact.Quo(exact, new(big.Rat).SetUint64(total)).Float64()
		got := mean(sums[0], float64(total))
		if math.Abs(float64(got)-want) > math.Abs(want)*0x1p-24+0x1p-40 {
			t.Fatalf("%v, want %v", got, want)
		}
		if got := mean(same[0], float64(total)); got != equal {
			t.Fatalf("the mean of %d times %v is %v", n, equal, got)
		}
	}
}

func TestABaseDoesNotDependOnThreads(t *testing.T) {
	for _, rule := range rules {
		r := newRig(t, rule, verifytest.MLP(), 40, 30, 20, 10, 50)
		want := must(r.open(t, 1).Make(t.Context()))(t)
		for _, threads := range []int{2, 3, 8, 100} {
			got := must(r.open(t, threads).Make(t.Context()))(t)
			if err := got.Compare(&want.Aggregate, "aggregate"); err != nil {
				t.Errorf("%d threads: %v", threads, err)
			}
		}
	}
}

func TestPiecesAreReadTheSameWhereverTheyEnd(t *testing.T) {
	n := 2*piece + strip + 17
	all := sources{}
	for i := range 11 {
		s := &source{want: &Final{Weight: uint64(i + 1)}, buf: make([]float32, n)}
		for k := range s.buf {
			s.buf[k] = float32((k*13+i*5)%101) / 7
		}
		all = append(all, s)
	}
	want, sums := make([]float32, n), make([]float64, n)
	for _, s := range all { // one after another, all of it at once
		fold(sums, float64(s.want.Weight), s.buf)
	}
	for i := range want {
		want[i] = mean(sums[i], 66)
	}
	for _, threads := range []int{1, 2, 7, 64} {
		got := make([]float32, n)
		all.mean(got, 66, threads)
		if !slices.Equal(got, want) {
			t.Errorf("%d threads differ", threads)
		}
	}
}

func TestRoundsFollowOneAnotherAndTheMomentumGoesAlong(t *testing.T) {
	rule := rules[2]
	r := newRig(t, rule, verifytest.MLP(), 40, 30)
	first := must(r.open(t, 1).Aggregate(t.Context(), r.operator))(t)
	a, digest, err := r.open(t, 1).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second := r.round
	second.Index, second.Previous, second.Base, second.Momentum = 1, digest, a.Base, a.Momentum
	if err := second.Follows(&r.round, a, digest); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Round){
		"index": func(r *Round) { r.Index = 2 }, "previous": func(r *Round) { r.Previous[0] ^= 1 }, "base": func(r *Round) { r.Base[0] ^= 1 },
		"momentum": func(r *Round) { r.Momentum = merkle.Hash{} }, "program": func(r *Round) { r.Program[0] ^= 1 },
	} {
		other := second
		spoil(&other)
		if err := other.Follows(&r.round, a, digest); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The momentum is read, checked, and moves the next base.
	v := must(r.open(t, 1).Make(t.Context()))(t).Momentum
	r.round.Momentum = first.Aggregate.Momentum
	r.round.Index, r.round.Previous = 1, digest
	r.sign(t)
	if _, err := Open(r.dir, r.key, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no momentum: %v", err)
	}
	toFile(t, filepath.Join(r.dir, MomentumFile), func(w io.Writer) error { return writeMomentum(w, v, r.plan(t)) })
	again := must(r.open(t, 1).Make(t.Context()))(t)
	for i, x := range v {
		for k, g := range x {
			if want := float32(float32(0.9)*g) + g; again.Momentum[i][k] != want {
				t.Fatalf("momentum %v, want %v", again.Momentum[i][k], want)
			}
		}
	}
	v[0][0]++
	toFile(t, filepath.Join(r.dir, MomentumFile), func(w io.Writer) error { return writeMomentum(w, v, r.plan(t)) })
	if _, err := Open(r.dir, r.key, 1); fault.Of(err) != fault.WrongDigest {
		t.Errorf("another momentum: %v", err)
	}
}

func (r *rig) plan(t *testing.T) *program.Plan {
	t.Helper()
	return must(program.Compile(r.program, kernels.ProfileF32))(t)
}

// TestWhatIsNotTheRoundsIsRefusedWithOneError and leaves nothing.
func TestWhatIsNotTheRoundsIsRefusedWithOneError(t *testing.T) {
	r := newRig(t, rules[0], verifytest.MLP(), 40, 30)
	claim := must(r.open(t, 1).Make(t.Context()))(t).Aggregate.Finals[1].Claim.String()
	verdict, final := filepath.Join(r.dir, VerdictsDir, claim+documentSuffix), filepath.Join(r.dir, FinalsDir, claim+tensorsSuffix)
	files := map[string][]byte{}
	for _, path := range []string{verdict, final, filepath.Join(r.dir, File), filepath.Join(r.dir, BaseFile), filepath.Join(r.dir, ProgramFile)} {
		files[path] = must(os.ReadFile(path))(t)
	}
	judged := must(verify.ReadVerdict(verdict, files[verdict], r.round.Verifiers[0]))(t)
	says := func(change func(*verify.Finding)) func() {
		return func() {
			v := *judged
			change(&v.Finding)
			write(t, verdict, must(document.Sign("verdict", v, r.verifier))(t))
		}
	}
	state := func(change func([]byte) []byte) func() {
		return func() { write(t, final, change(slices.Clone(files[final]))) }
	}
	for name, c := range map[string]struct {
		spoil func()
		class fault.Class
		words string
	}{
		"a FAIL":              {says(func(f *verify.Finding) { f.Outcome = verify.Fail }), fault.OutOfRange, "FAIL of worker"},
		"an UNAUDITED":        {says(func(f *verify.Finding) { f.Outcome = verify.Unaudited }), fault.OutOfRange, "UNAUDITED"},
		"of another base":     {says(func(f *verify.Finding) { f.Job[0] ^= 1 }), fault.WrongJob, "none of the round's, whose base is"},
		"a slot too many":     {says(func(f *verify.Finding) { f.Slot = 1 }), fault.OutOfRange, "the round counts 1"},
		"another final":       {says(func(f *verify.Finding) { f.Final[0] ^= 1 }), fault.WrongDigest, "came to"},
		"another's verifier":  {func() { write(t, verdict, must(judged.Sign(r.verifier))(t)); r.resign(t, verdict, judged) }, fault.BadSignature, "none of the round's verifiers'"},
		"a verdict of a name": {func() { write(t, filepath.Join(r.dir, VerdictsDir, "x.json"), files[verdict]) }, fault.WrongClaim, "named otherwise"},
		"no PASS at all":      {func() { remove(t, filepath.Join(r.dir, VerdictsDir)) }, fault.Incomplete, "finals with a PASS"},
		"no final":            {func() { remove(t, final) }, "", "no such file"},
		"a bit of the final":  {state(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), fault.WrongDigest, "came to"},
		"a final cut short":   {state(func(b []byte) []byte { return b[:len(b)-1] }), fault.BadLength, "tensor"},
		"a final with more":   {state(func(b []byte) []byte { return append(b, 0) }), fault.BadLength, "follow"},
		"a final with a NaN":  {state(func(b []byte) []byte { b[len(b)-1], b[len(b)-2] = 0x7f, 0xff; return b }), fault.NotFinite, "element"},
		"the base as a final": {state(func([]byte) []byte { return files[filepath.Join(r.dir, BaseFile)] }), fault.WrongType, "tensor"},
		"a bit of the base": {func() {
			p := filepath.Join(r.dir, BaseFile)
			b := slices.Clone(files[p])
			b[len(b)-1] ^= 1
			write(t, p, b)
		}, fault.WrongDigest, "the round names"},
		"another program":   {func() { write(t, filepath.Join(r.dir, ProgramFile), verifytest.CNN().JSON()) }, fault.WrongDigest, "the round names"},
		"weights too large": {says(func(f *verify.Finding) { f.Steps, f.Data.Samples = 1<<60/12, 1<<63 }), fault.TooLarge, "2^53"},
	} {
		data := *judged.Finding.Data
		c.spoil()
		b, err := Open(r.dir, r.key, 1)
		if err == nil {
			_, err = b.Aggregate(t.Context(), r.operator)
		}
		if err == nil || c.class != "" && fault.Of(err) != c.class || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		for _, file := range []string{AggregateFile, NextFile} {
			if _, err := os.Lstat(filepath.Join(r.dir, file)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s leaves %s", name, file)
			}
		}
		*judged.Finding.Data = data
		os.Remove(filepath.Join(r.dir, VerdictsDir, "x.json"))
		for path, data := range files {
			write(t, path, data)
		}
	}
}

// resign has another verifier sign.
func (r *rig) resign(t *testing.T, path string, v *verify.Verdict) {
	t.Helper()
	write(t, path, must(document.Sign("verdict", v, must(verifytest.NewKey(8))(t)))(t))
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func TestAJobFromAnotherBaseOrProgramIsNotOpened(t *testing.T) {
	r := newRig(t, rules[0], verifytest.MLP(), 40)
	for name, spoil := range map[string]func(*Round){
		"init.base": func(r *Round) { r.Base[0] ^= 1 }, "slots": func(r *Round) { r.Jobs = []Offered{{r.Jobs[0].Job, 2}} },
	} {
		other := r.round
		spoil(&other)
		if err := other.fits(r.pools[0].Terms.Job, other.Jobs[0].Slots); fault.Of(err) != fault.BadTerms || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.round.Program[0] ^= 1
	if err := r.round.fits(r.pools[0].Terms.Job, 1); fault.Of(err) != fault.WrongDigest {
		t.Error(err)
	}
}

// TestAFinalThatChangesWhileItIsReadIsSaidToHaveChanged and is in no mean.
func TestAFinalThatChangesWhileItIsReadIsSaidToHaveChanged(t *testing.T) {
	p := verifytest.MLP()
	p.Graph = program.MLP(program.MLPConfig{Inputs: 7, Hidden: []int{200, 100}, Classes: 3}) // more than what is read ahead
	r := newRig(t, rules[0], p, 40)
	b := r.open(t, 1)
	finals, _, err := b.Finals()
	if err != nil {
		t.Fatal(err)
	}
	all := must(openSources(r.dir, finals, b.spec.State, b.frozen))(t)
	defer all.close()
	path := all[0].path
	data := must(os.ReadFile(path))(t)
	write(t, path, data[:len(data)/2])
	for _, spec := range b.spec.State.Tensors() {
		if err = all.read(t.Context(), spec.Len(), 1); err != nil {
			break
		}
	}
	if err == nil {
		err = all[0].finish()
	}
	if fault.Of(err) != fault.Altered {
		t.Error(err)
	}
}

func TestARoundIsAggregatedOnceAndByItsOperator(t *testing.T) {
	r := newRig(t, rules[0], verifytest.MLP(), 40)
	if _, err := r.open(t, 1).Aggregate(t.Context(), r.verifier); fault.Of(err) != fault.BadKey {
		t.Error(err)
	}
	must(r.open(t, 1).Aggregate(t.Context(), r.operator))(t)
	if _, err := r.open(t, 1).Aggregate(t.Context(), r.operator); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.open(t, 1).Make(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestACheckNamesTheFirstDifference of an operator who averages otherwise than the round says.
func TestACheckNamesTheFirstDifference(t *testing.T) {
	r := newRig(t, rules[2], verifytest.MLP(), 40, 30)
	m := must(r.open(t, 1).Aggregate(t.Context(), r.operator))(t)
	signed := must(os.ReadFile(filepath.Join(r.dir, AggregateFile)))(t)
	lie := func(change func(*Aggregate)) func() {
		return func() {
			a := m.Aggregate
			a.Finals = slices.Clone(a.Finals)
			change(&a)
			write(t, filepath.Join(r.dir, AggregateFile), must(a.Sign(r.operator))(t))
		}
	}
	for words, spoil := range map[string]func(){
		"finals: 1 is claim":           lie(func(a *Aggregate) { a.Finals[1].Weight++ }),
		"finals: 1, the files":         lie(func(a *Aggregate) { a.Finals = a.Finals[:1] }),
		"base: root":                   lie(func(a *Aggregate) { a.Base[3] ^= 1 }),
		"momentum: root":               lie(func(a *Aggregate) { a.Momentum[3] ^= 1 }),
		"round: ":                      lie(func(a *Aggregate) { a.Round[3] ^= 1 }),
		"\"net.6.bias\": element 2 is": func() { flipLast(t, filepath.Join(r.dir, NextFile)) },
		"momentum.safetensors: ten":    func() { flipLast(t, filepath.Join(r.dir, NextMomentumFile)) },
	} {
		next, momentum := must(os.ReadFile(filepath.Join(r.dir, NextFile)))(t), must(os.ReadFile(filepath.Join(r.dir, NextMomentumFile)))(t)
		spoil()
		if _, _, err := r.open(t, 2).Check(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
		write(t, filepath.Join(r.dir, NextFile), next)
		write(t, filepath.Join(r.dir, NextMomentumFile), momentum)
		write(t, filepath.Join(r.dir, AggregateFile), signed)
	}
}

// flipLast flips the lowest bit of the last element of a file of tensors.
func flipLast(t *testing.T, path string) {
	t.Helper()
	data := must(os.ReadFile(path))(t)
	data[len(data)-4] ^= 1
	write(t, path, data)
}

func TestEachFieldOfARoundIsChecked(t *testing.T) {
	r := newRig(t, rules[2], verifytest.MLP(), 40)
	for words, spoil := range map[string]func(*Round){
		"version":                  func(r *Round) { r.Version = "verifyd-round/2" },
		"program: zero":            func(r *Round) { r.Program = merkle.Hash{} },
		"base: zero":               func(r *Round) { r.Base = merkle.Hash{} },
		"validation: zero":         func(r *Round) { r.Validation = merkle.Hash{} },
		"previous":                 func(r *Round) { r.Previous = merkle.Hash{1} },
		"index":                    func(r *Round) { r.Index, r.Previous = MaxIndex, merkle.Hash{1} },
		"jobs: 0":                  func(r *Round) { r.Jobs = nil },
		"jobs: 1025":               func(r *Round) { r.Jobs = make([]Offered, MaxJobs+1) },
		"is not behind":            func(r *Round) { r.Jobs = []Offered{r.Jobs[0], r.Jobs[0]} },
		"jobs: 0 slots":            func(r *Round) { r.Jobs = []Offered{{r.Jobs[0].Job, 0}} },
		"verifiers: 0":             func(r *Round) { r.Verifiers = nil },
		"operator, verifiers":      func(r *Round) { r.Verifiers = []document.Key{{}} },
		"rule.weights":             func(r *Round) { r.Rule.Weights = "" },
		"rule.kind":                func(r *Round) { r.Rule.Kind = "median" },
		"rule.rate: 0":             func(r *Round) { r.Rule.Rate = 0 },
		"rule.rate: 10000001":      func(r *Round) { r.Rule.Rate = 10*Millionths + 1 },
		"rule.momentum: 1000000":   func(r *Round) { r.Rule.Momentum = Millionths },
		"rule: a mean has neither": func(r *Round) { r.Rule.Kind = Mean },
	} {
		other := r.round
		spoil(&other)
		if _, err := other.Sign(r.operator); err == nil || !strings.Contains(err.Error(), words) || !strings.HasPrefix(err.Error(), File) {
			t.Errorf("%q: %v", words, err)
		}
	}
	signed := must(r.round.Sign(r.operator))(t)
	if _, _, err := Read("r", signed, r.round.Verifiers[0]); fault.Of(err) != fault.BadSignature {
		t.Error(err)
	}
	if _, digest, err := Read("r", signed, r.key); err != nil || fmt.Sprint(digest) == "" {
		t.Error(err)
	}
}

func FuzzARoundIsReadOrRefused(f *testing.F) {
	operator := must(verifytest.NewKey(1))(f)
	key := must(verifytest.KeyOf(operator))(f)
	r := Round{
		Version: Version, Operator: key, Verifiers: []document.Key{key}, Program: merkle.Hash{1}, Base: merkle.Hash{2}, Validation: merkle.Hash{3},
		Jobs: []Offered{{merkle.Hash{4}, 1}}, Rule: rules[2],
	}
	good := must(document.Encode(r))(f)
	f.Add(good)
	f.Add([]byte(`{"version":"verifyd-round/1"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		signed, err := document.Sign(Kind, json.RawMessage(payload), operator)
		if err != nil {
			return
		}
		got, _, err := Read("round.json", signed, key)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "round.json") {
				t.Errorf("%v", err)
			}
			return
		}
		if err := got.Check(); err != nil {
			t.Errorf("read, and then %v", err)
		}
	})
}
