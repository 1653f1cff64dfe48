// Package crashtest kills a process, or fails one of its system calls, at each call that changes a file, for tests of
// what is promised to outlive that. It needs ptrace, on Linux on amd64; elsewhere the package is empty.
package crashtest
