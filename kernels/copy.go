package kernels

// Copy is y = x, bit by bit.
//
//	x[N] -> y[N]
type Copy struct{ N int }

func (o Copy) Name() string                 { return "copy" }
func (o Copy) Operands() []Operand          { return mapOperands(o.N) }
func (Copy) inPlace() int                   { return 1 }
func (Copy) kernel() Kernel                 { return Kernel{Name: "drn1_copy"} }
func (o Copy) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Copy) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	copy(b[1].F[lo:hi], b[0].F[lo:hi])
}

// Zero is y = +0.
//
//	-> y[N]
type Zero struct{ N int }

func (o Zero) Name() string                 { return "zero" }
func (o Zero) Operands() []Operand          { return []Operand{{"y", F32, o.N, Out}} }
func (Zero) kernel() Kernel                 { return Kernel{Name: "drn1_zero"} }
func (o Zero) pieces(_ *CPU, phase int) int { return onePhase(phase, elementPieces(o.N)) }
func (o Zero) piece(_ *worker, _, i int, b []Buf) {
	lo, hi := elementRange(i, o.N)
	clear(b[0].F[lo:hi])
}
