package optest

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

var (
	report = flag.String("report", "", "instead of testing, write a report: perf, coverage or support")
	only   = flag.String("isa", "", "test this code path alone, and fail where it is not available")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *report != "" {
		if err := writeReport(*report); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func writeReport(kind string) error {
	if kind == "coverage" {
		return Coverage(os.Stdout)
	}
	for _, isa := range kernels.Available() {
		c, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: 1})
		if err != nil {
			return err
		}
		defer c.Close()
		switch kind {
		case "perf":
			err = Perf(os.Stdout, CPU(c))
		case "support":
			err = Support(os.Stdout, CPU(c))
		default:
			err = fmt.Errorf("unknown report %q: want perf, coverage or support", kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// machines starts a CPU for each code path of this machine and each number of threads.
func machines(t testing.TB, threads ...int) []Backend {
	t.Helper()
	isas := kernels.Available()
	if *only != "" {
		isa, err := kernels.ParseISA(*only)
		if err != nil {
			t.Fatal(err)
		}
		isas = []kernels.ISA{isa}
	}
	var all []Backend
	for _, isa := range isas {
		for _, n := range threads {
			c, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: n})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			all = append(all, CPU(c))
		}
	}
	return all
}

func TestEveryCodePathGivesTheBytesOfTheReference(t *testing.T) { Test(t, machines(t, 1)...) }

func TestTheNumberOfThreadsNeverShows(t *testing.T) { TestShort(t, 3, machines(t, 2, 8)...) }

func TestCPUTakesEveryOperator(t *testing.T) {
	for _, b := range machines(t, 1) {
		for _, c := range Cases() {
			if !b.Supports(c.Op) {
				t.Errorf("%s declines %v", b.Name(), c)
			}
		}
	}
}

func TestEveryOperatorHasCasesOfEveryClass(t *testing.T) {
	covered := map[string]map[Class]bool{}
	seen := map[string]bool{}
	for _, c := range Cases() {
		name := reflect.TypeOf(c.Op).Name()
		if covered[name] == nil {
			covered[name] = map[Class]bool{}
		}
		covered[name][c.Data] = true
		if s := c.String(); seen[s] {
			t.Errorf("two cases are called %s", s)
		} else {
			seen[s] = true
		}
	}
	for _, name := range operators(t) {
		for _, class := range Classes() {
			if !covered[name][class] {
				t.Errorf("kernels.%s has no case with data=%v", name, class)
			}
		}
	}
	if len(seen) < 500 {
		t.Errorf("%d cases, want at least 500", len(seen))
	}
}

func TestOnlyOperandsOfOneShapeShareABuffer(t *testing.T) {
	for _, c := range Cases() {
		operands := c.Op.Operands()
		out := operands[len(operands)-1]
		for _, in := range operands[:kernels.InPlace(c.Op)] {
			if in.Access != kernels.In || out.Access != kernels.Out || in.Kind != out.Kind || in.Len != out.Len {
				t.Errorf("%v: %+v may not be %+v", c, in, out)
			}
		}
	}
}

// operators reads the closed set from the source of package kernels: every type with a method
// called piece.
func operators(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no source of package kernels: ", err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if m, ok := d.(*ast.FuncDecl); ok && m.Recv != nil && m.Name.Name == "piece" {
				names = append(names, m.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	if len(names) < 40 {
		t.Fatalf("only %d operators found: %v", len(names), names)
	}
	return names
}
