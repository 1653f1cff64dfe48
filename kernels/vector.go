package kernels

// vector is the table of inner loops that a code path supplies. Each field's comment is the exact
// Go loop that every entry equals, and the generic entry is that loop.
type vector struct {
	isa ISA
}

// generic is the reference.
func generic() *vector { return &vector{isa: Generic} }

// vectorFor returns the inner loops of a code path. Loops that a path does not have are the
// reference's own.
func vectorFor(isa ISA) *vector {
	v := generic()
	v.isa = isa
	accelerate(v)
	return v
}
