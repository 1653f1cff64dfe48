package gate

import (
	"fmt"
	"math"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// maxWork bounds the multiply-adds of a step, so that no sum of them overflows.
const maxWork = 1 << 62

// Plan is what a step of a program is measured in. It is read-only.
type Plan struct {
	plan  *program.Plan
	parts []part
	words int
	terms uint64

	products              int
	parameters, gradients region
}

// part is one thing that is measured.
type part interface {
	// draw says where. The lengths of the reads depend on the part alone.
	draw(d draws) probe
}

// probe is what a part reads of a step, and how it counts what that holds.
type probe struct {
	reads []program.Read
	count func(words [][]float32, to *Counters)
}

// NewPlan plans the measure of a program. It refuses one whose products, parameters or multiply-adds are too many to be
// counted, and one with a product of which it does not know the factors.
func NewPlan(plan *program.Plan) (*Plan, error) {
	p := &Plan{plan: plan}
	tape := plan.Tape(0)
	p.parameters, p.gradients = regionOf(tape.Tensors[:len(plan.Params())]), regionOf(tape.Gradients)
	for call, c := range tape.First() {
		if err := p.measure(call, c); err != nil {
			return nil, err
		}
	}
	if p.products > maxProducts {
		return nil, fault.New(fault.TooLarge, "", "", "gate: %d products in a step, at most %d can be measured", p.products, maxProducts)
	}
	if err := p.measureTensors(tape); err != nil {
		return nil, err
	}
	p.words = program.ReadWords(p.Draw([32]byte{}, 0).Reads)
	return p, nil
}

// measure adds what there is to measure of a call of the first micro-batch.
func (p *Plan) measure(call int, c kernels.Call) error {
	for _, operand := range c.Operands {
		if operand.Words > math.MaxInt32 {
			return fault.New(fault.TooLarge, "", "", "gate: %s reads %d elements, at most %d can be measured", c.Op.Name(), operand.Words, math.MaxInt32)
		}
	}
	switch op := c.Op.(type) {
	case kernels.BiasAdd:
		p.parts = append(p.parts, sum{call, op.Name(), op.N * op.C * op.P, func(e int) int { return e / op.P % op.C }, false})
	case kernels.Add:
		p.parts = append(p.parts, sum{call, op.Name(), op.N, func(e int) int { return e }, true})
	case kernels.Attention:
		return p.measureAttention(call, packed(op))
	case kernels.AttentionGrad:
		return p.measureAttentionGrad(call, packed(kernels.Attention(op)).differentiated(1))
	case kernels.SDPA:
		o, _ := parted(op)
		return p.measureAttention(call, o)
	case kernels.SDPAGrad:
		o, next := parted(kernels.SDPA(op))
		return p.measureAttentionGrad(call, o.differentiated(next))
	}
	profile, isProduct := kernels.ProfileOf(c.Op)
	f, ok := kernels.FactorsOf(c.Op)
	switch {
	case !ok && isProduct: // what nobody measures could hide any saving
		return fault.New(fault.Unsupported, "", "", "gate: nothing says where the factors of %s are", c.Op.Name())
	case !ok:
		return nil
	}
	t, err := p.multiplyAdds(f.Groups, f.M, f.N, f.K)
	if err != nil {
		return err
	}
	p.parts = append(p.parts, product{call, c.Op.Name(), t, f, p.unitsOf(c, f), profile})
	p.products++
	return nil
}

// units says of both factors of a product whether their rows are units of a layer: those of a parameter are, and where a
// parameter's gradient comes out, both are. All others are samples, or places in them.
type units struct{ a, b bool }

func (p *Plan) unitsOf(c kernels.Call, f kernels.Factors) units {
	for i, operand := range c.Op.Operands() {
		if operand.Access != kernels.In && p.gradients.holds(c.Operands[i]) {
			return units{true, true}
		}
	}
	return units{p.parameters.holds(c.Operands[f.A.Operand]), p.parameters.holds(c.Operands[f.B.Operand])}
}

// region is a part of a step's memory.
type region struct{ first, end int }

// regionOf is from the first of some ranges to the end of the last one.
func regionOf(all []kernels.Range) region {
	r := region{first: math.MaxInt}
	for _, x := range all {
		r.first, r.end = min(r.first, x.Offset), max(r.end, x.Offset+x.Words)
	}
	return r
}

func (r region) holds(x kernels.Range) bool { return x.Offset >= r.first && x.Offset+x.Words <= r.end }

// multiplyAdds is the product of sizes and of the micro-batches, kept within what the step may have.
func (p *Plan) multiplyAdds(sizes ...int) (uint64, error) {
	t := uint64(p.plan.Accumulation())
	for _, n := range sizes {
		if n > 0 && t > maxWork/uint64(n) {
			return 0, tooMuch()
		}
		t *= uint64(n)
	}
	if p.terms += t; p.terms > maxWork {
		return 0, tooMuch()
	}
	return t, nil
}

func tooMuch() error {
	return fault.New(fault.TooLarge, "", "", "gate: more than %d multiply-adds in a step", uint64(maxWork))
}

// Words is the number of words that a sample reads: what engine.Spec.Reads has to allow.
func (p *Plan) Words() int { return p.words }

// Products is the number of products that a step counts.
func (p *Plan) Products() int { return p.products }

// Terms is the number of multiply-adds of a step, which is the most that its work can be.
func (p *Plan) Terms() uint64 { return p.terms }

// Sample is what is measured of one step: what to read, in the order in which an engine does it, and how to count it.
type Sample struct {
	Reads []program.Read

	counters Counters
	probes   []probe
	order    []place // of each read
}

// place is a read of a probe.
type place struct{ probe, read int }

// Draw draws where a step is measured, from a seed that nobody knew when the step was claimed.
func (p *Plan) Draw(seed [32]byte, step uint64) *Sample {
	s := &Sample{counters: Counters{Step: step}}
	for g := range p.plan.Groups() {
		s.counters.Updated = append(s.counters.Updated, p.plan.Moves(g, step))
	}
	d := newDraws(seed, step)
	for i, part := range p.parts {
		s.probes = append(s.probes, part.draw(d))
		for k := range s.probes[i].reads {
			s.order = append(s.order, place{i, k})
		}
	}
	read := func(at place) program.Read { return s.probes[at.probe].reads[at.read] }
	slices.SortStableFunc(s.order, func(a, b place) int { return program.CompareReads(read(a), read(b)) })
	for _, at := range s.order {
		s.Reads = append(s.Reads, read(at))
	}
	return s
}

// Count counts what the reads gave, NaN as 0x7fc00000. Only a wrong number of words is an error.
func (s *Sample) Count(words []uint32) (*Counters, error) {
	if n := program.ReadWords(s.Reads); len(words) != n {
		return nil, fmt.Errorf("gate: %d words, the sample reads %d", len(words), n)
	}
	given := make([][][]float32, len(s.probes))
	for i, p := range s.probes {
		given[i] = make([][]float32, len(p.reads))
	}
	numbers := make([]float32, len(words))
	for i, w := range words {
		numbers[i] = math.Float32frombits(w)
	}
	for _, at := range s.order {
		n := len(s.probes[at.probe].reads[at.read].At)
		given[at.probe][at.read], numbers = numbers[:n:n], numbers[n:]
	}
	c := s.counters
	for i, p := range s.probes {
		p.count(given[i], &c)
	}
	return &c, nil
}
