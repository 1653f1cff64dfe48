package kernels

// Single is a CPU of one worker on the code path of c, for work that its caller spreads over goroutines. It starts no
// thread.
func (c *CPU) Single() (*CPU, error) { return NewCPU(Options{ISA: c.isa, Threads: 1}) }
