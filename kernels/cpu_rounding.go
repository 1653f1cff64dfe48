package kernels

// CheckRounding returns an error unless the calling thread rounds as DRN-1 demands. Whoever loads a
// foreign shared library into the process asks afterwards, before the thread computes again.
func CheckRounding() error { return checkRounding() }
