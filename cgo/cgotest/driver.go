package cgotest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
)

// Name is the library's file, which a dynamic linker finds by $LD_LIBRARY_PATH.
const Name = "libcuda.so.1"

// Driver is a library in a folder of its own, with its own state.
type Driver struct {
	Dir string // of the library

	t   testing.TB
	run int
}

// New is a driver whose kernels compute nothing. Without a C compiler the test is skipped, or fails in CI.
func New(t testing.TB) *Driver {
	t.Helper()
	return Place(t, Compiler, Idle)
}

// Place is a driver that build makes with a compiler. Without the compiler the test is skipped, or fails in CI.
func Place(t testing.TB, compiler string, build func() ([]byte, error)) *Driver {
	t.Helper()
	kernelstest.Need(t, compiler)
	library, err := build()
	if err != nil {
		t.Fatal(err)
	}
	d := &Driver{Dir: t.TempDir(), t: t}
	if err := Write(d.Dir, library); err != nil {
		t.Fatal(err)
	}
	return d
}

// Write puts a library into a folder, with what it does, a line each. What lines may say is in driver.c, at obey.
func Write(dir string, library []byte, lines ...string) error {
	if err := os.WriteFile(filepath.Join(dir, Name), library, 0o755); err != nil {
		return err
	}
	return control(dir, 0, lines)
}

// control says what the library in dir does from now on, at once: it may be reading.
func control(dir string, run int, lines []string) error {
	return replace(dir, "control", fmt.Sprintf("run %d\n%s\n", run, strings.Join(lines, "\n")))
}

func replace(dir, name, text string) error {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Library is the library's path.
func (d *Driver) Library() string { return filepath.Join(d.Dir, Name) }

// Control starts a new run: the calls are counted anew and the log is empty.
func (d *Driver) Control(lines ...string) {
	d.t.Helper()
	d.run++
	if err := replace(d.Dir, "log", ""); err != nil {
		d.t.Fatal(err)
	}
	d.Also(lines...)
}

// Also changes what the driver does within the run.
func (d *Driver) Also(lines ...string) {
	d.t.Helper()
	if err := control(d.Dir, d.run, lines); err != nil {
		d.t.Fatal(err)
	}
}

// Log is what happened in the run, a line each.
func (d *Driver) Log() []string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.Dir, "log"))
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}
