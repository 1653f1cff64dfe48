package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

func TestEveryClassOfPackageCgoCrossesTheWire(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../../../cgo/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			declared++
		}
		return true
	})
	if declared != len(classes) {
		t.Errorf("package cgo has %d classes, %d cross the wire", declared, len(classes))
	}
	for i, one := range classes {
		sent := fmt.Errorf("step 7: %w", &cgo.Error{Call: "cuEventQuery", Code: 700 + i, Class: []error{one, cgo.ErrSticky}})
		got, err := decodeFailure(encodeFailure(sent))
		if err != nil {
			t.Fatal(err)
		}
		if got.Error() != sent.Error() {
			t.Errorf("%q, sent as %q", got, sent)
		}
		for _, class := range classes {
			if errors.Is(got, class) != errors.Is(sent, class) {
				t.Errorf("%v is %v: %v", sent, class, errors.Is(got, class))
			}
		}
	}
	long, err := decodeFailure(encodeFailure(errors.New(strings.Repeat("x", 2*maxFailure) + "\x1b[2J\n")))
	if err != nil || len(long.Error()) != maxFailure-1 {
		t.Errorf("%d bytes of a long error: %v", len(long.Error()), err)
	}
	if f, err := decodeFailure([]byte("\x00a\x1b[2Jb\nc\xff")); err != nil || f.Error() != "a[2Jb c " {
		t.Errorf("%q, %v", f, err)
	}
}

// idle is an accelerator that computes nothing.
type idle struct{ routines int }

func (*idle) Write(context.Context, int, []uint32) error { return nil }
func (*idle) Read(context.Context, []uint32, int) error  { return nil }
func (a *idle) Record(context.Context, launch.Routine) (int, error) {
	a.routines++
	return a.routines - 1, nil
}
func (*idle) Run(context.Context, int, []uint32, []uint32) error { return nil }
func (*idle) Close(context.Context) error                        { return nil }

// spy keeps the routines that an engine records.
type spy struct {
	idle
	routines []launch.Routine
}

func (s *spy) Record(ctx context.Context, r launch.Routine) (int, error) {
	s.routines = append(s.routines, r)
	return s.idle.Record(ctx, r)
}

// routines are those of the small trainings.
func routines(t testing.TB) []launch.Routine {
	t.Helper()
	all, err := enginetest.Small()
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{}
	for _, tr := range all {
		e, err := engine.NewAccelerated(t.Context(), tr.Spec, func(context.Context, int) (engine.Accelerator, error) { return s, nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Init(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	return s.routines
}

func TestARoutineCrossesTheWireUnchanged(t *testing.T) {
	for i, r := range routines(t) {
		data, err := encodeRoutine(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRoutine(data)
		if err != nil {
			t.Fatalf("routine %d: %v", i, err)
		}
		again, err := encodeRoutine(got)
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("routine %d: encoded again it is another", i)
		}
		if want, have := fmt.Sprint(r), fmt.Sprint(got); want != have {
			t.Errorf("routine %d: %.200s, want %.200s", i, have, want)
		}
		if i > 0 {
			continue
		}
		for n := range data {
			if _, err := decodeRoutine(data[:n]); !errors.Is(err, errProtocol) {
				t.Fatalf("the first %d bytes of %d: %v", n, len(data), err)
			}
		}
		if _, err := decodeRoutine(append(data, 0)); !errors.Is(err, errProtocol) {
			t.Errorf("with a byte too many: %v", err)
		}
	}
}

func TestEveryFieldOfARoutineCrossesTheWire(t *testing.T) {
	for kind, want := range map[reflect.Type]int{
		reflect.TypeFor[kernels.Range](): 2, reflect.TypeFor[launch.Routine](): 3, reflect.TypeFor[launch.Planned](): 2,
		reflect.TypeFor[launch.Plan](): 2, reflect.TypeFor[launch.Launch](): 5, reflect.TypeFor[launch.Arg](): 4,
	} {
		if n := kind.NumField(); n != want {
			t.Errorf("%v has %d fields, %d are encoded", kind, n, want)
		}
	}
}

// end is a connection to a session that serves the device.
func end(t testing.TB, s *Server) (conn net.Conn, served <-chan error) {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.serve(context.Background(), theirs) }()
	t.Cleanup(func() { ours.Close() })
	return ours, done
}

func sound(a engine.Accelerator) *Server {
	return &Server{
		Open:  func(context.Context, int) (engine.Accelerator, error) { return a, nil },
		Fault: func() error { return nil },
	}
}

// requests are requests with as many bytes behind them as they say.
func requests(all ...request) (data []byte) {
	for _, r := range all {
		var head [requestSize]byte
		r.put(&head)
		data = append(append(data, head[:]...), make([]byte, min(r.length, 4*chunk))...)
	}
	return data
}

func TestAServerHangsUpOnWhatNoParentAsks(t *testing.T) {
	open := request{op: opOpen, a: 100}
	for what, all := range map[string][]request{
		"a request of no kind":             {{op: 99}},
		"no request at all":                {{}},
		"a write before open":              {{op: opWrite}},
		"open twice":                       {open, open},
		"a write of more than a chunk":     {open, {op: opWrite, length: 4*chunk + 4}},
		"a write of half a word":           {open, {op: opWrite, length: 6}},
		"a read of more than a chunk":      {open, {op: opRead, b: chunk + 1}},
		"a read with a payload":            {open, {op: opRead, length: 4, b: 1}},
		"a routine of more than the limit": {open, {op: opRecord, length: maxRoutine + 1}},
		"a routine that is none":           {open, {op: opRecord, length: 1}},
		"a run of no routine":              {open, {op: opRun, a: 1 << 63}},
	} {
		conn, served := end(t, sound(&idle{}))
		go func() { _, _ = conn.Write(requests(all...)) }() // until the server hangs up
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		if err := <-served; !errors.Is(err, errProtocol) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAServerRefusesWordsOutsideOfTheMemory(t *testing.T) {
	for what, r := range map[string]request{
		"to write behind the end":        {op: opWrite, length: 8, a: 99},
		"to write far behind":            {op: opWrite, length: 4, a: 1 << 63},
		"to read more than there is":     {op: opRead, b: 101},
		"to read far behind the end":     {op: opRead, a: 1<<64 - 1, b: 1},
		"more memory than can be wanted": {op: opOpen, a: 1 << 62},
	} {
		conn, served := end(t, sound(&idle{}))
		all := []request{{op: opOpen, a: 100}, r}
		if r.op == opOpen {
			all = all[1:]
		}
		go func() { _, _ = conn.Write(requests(all...)) }()
		var head [answerSize]byte
		for i := range all {
			if _, err := io.ReadFull(conn, head[:]); err != nil {
				t.Fatal(err)
			}
			a, err := parseAnswer(&head, 0)
			if failed := i == len(all)-1; err != nil || (a.status == statusFailed) != failed {
				t.Errorf("%s: %+v, %v", what, a, err)
			}
			if _, err := readPayload(conn, a.length); err != nil {
				t.Fatal(err)
			}
		}
		conn.Close()
		if err := <-served; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestASessionClosesItsAcceleratorWhenTheConnectionEnds(t *testing.T) {
	a := &counter{}
	for want, orderly := range []bool{false, true} {
		conn, served := end(t, sound(a))
		all := []request{{op: opOpen, a: 100}}
		if orderly {
			all = append(all, request{op: opClose})
		}
		for _, r := range all {
			if _, err := conn.Write(requests(r)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, make([]byte, answerSize)); err != nil {
				t.Fatal(err)
			}
		}
		conn.Close()
		if err := <-served; err != nil || a.closed != want+1 {
			t.Errorf("closed %d times, %v", a.closed, err)
		}
	}
}

// counter counts how often it is closed.
type counter struct {
	idle
	closed int
}

func (c *counter) Close(context.Context) error {
	c.closed++
	return nil
}
