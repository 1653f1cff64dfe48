package launch_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
)

// known are the kernels in the sources.
func known(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../*.cu")
	if err != nil || len(files) == 0 {
		t.Fatal("no kernels: ", err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`drn1_\w+`).FindAllString(string(text), -1) {
			names[m] = true
		}
	}
	return names
}

func TestEveryLaunchHasItsKernelAndLiesInItsBuffers(t *testing.T) {
	sources := known(t)
	for _, c := range optest.Cases() {
		plan, err := launch.For(c.Op)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		operands := c.Op.Operands()
		for _, l := range plan.Launches {
			if !sources[l.Kernel] {
				t.Errorf("%v: no page has the kernel %s", c, l.Kernel)
			}
			for _, a := range l.Args {
				size := plan.Workspace
				switch a.Kind {
				case launch.Scalar:
					size = 0
				case launch.Buffer:
					size = operands[a.Index].Len
				}
				if a.Offset < 0 || a.Offset > size {
					t.Errorf("%v: %s gets word %d of %d", c, l.Kernel, a.Offset, size)
				}
			}
			if n := l.Block[0] * l.Block[1] * l.Block[2]; n == 0 || n > 1024 {
				t.Errorf("%v: %s has blocks of %v", c, l.Kernel, l.Block)
			}
			if l.Grid[0] == 0 || l.Grid[1] == 0 || l.Grid[2] == 0 {
				t.Errorf("%v: %s has the grid %v", c, l.Kernel, l.Grid)
			}
		}
		again, err := launch.For(c.Op)
		if err != nil || !reflect.DeepEqual(plan, again) {
			t.Errorf("%v: the second plan differs", c)
		}
	}
}

func TestActivationsHaveTheirNumbersOnTheDevice(t *testing.T) {
	text, err := os.ReadFile("../activation.cuh")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`enum Activation : int \{ (.*) \};`).FindSubmatch(text)
	if m == nil {
		t.Fatal("activation.cuh has no enum Activation")
	}
	names := strings.Split(string(m[1]), ", ")
	declared := []string{"NO_ACTIVATION"}
	for range names[1:] {
		declared = append(declared, "")
	}
	for _, op := range optest.Activations(1) {
		number := kernels.ActivationOf(op)
		if number >= len(names) {
			t.Fatalf("%s declares %d, activation.cuh has %v", op.Name(), number, names)
		}
		declared[number] = strings.ToUpper(op.Name())
	}
	if !slices.Equal(declared, names) {
		t.Errorf("the pages declare %v, activation.cuh has %v", declared, names)
	}
}

func TestWhatKernelsCannotAddressIsLeftToTheCPU(t *testing.T) {
	for _, op := range []kernels.Operator{
		kernels.ReLU{N: 1 << 31}, kernels.Softmax{Rows: 1 << 20, Cols: 1 << 11}, kernels.Sum{N: 1<<31 - 1},
	} {
		if _, err := launch.For(op); !errors.Is(err, launch.ErrUnsupported) {
			t.Errorf("%+v: %v, want %v", op, err, launch.ErrUnsupported)
		}
	}
}

func TestNothingIsLaunchedForNothing(t *testing.T) {
	for _, op := range []kernels.Operator{
		kernels.ReLU{}, kernels.Adam{}, kernels.Softmax{Cols: 5}, kernels.AvgPool2D{}, kernels.Dropout{},
	} {
		plan, err := launch.For(op)
		if err != nil || len(plan.Launches) != 0 {
			t.Errorf("%+v: %v, %v", op, plan.Launches, err)
		}
	}
}
