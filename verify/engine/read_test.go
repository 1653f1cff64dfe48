package engine_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
	"github.com/verifyd/verifyd/verify/program"
)

func TestAStepReadsTheSameElementsOnEveryDeviceAndIsTheSameStep(t *testing.T) {
	t.Parallel()
	cpu := reference(t)
	for name, p := range programs() {
		t.Run(name, func(t *testing.T) {
			s := spec(t, p)
			reads, blocks := enginetest.Reads(s.Plan), enginetest.Blocks(s.Plan)
			elsewhere := slices.Clone(reads) // other elements, of the same operands
			for i, r := range elsewhere {
				elsewhere[i].At = slices.Clone(r.At)
				slices.Reverse(elsewhere[i].At)
			}
			s.Reads = program.ReadWords(reads)
			alone, own, emulated := start(t, cpu, s), start(t, cpu, s), start(t, underShim(t, kernelstest.Ascending), s)
			for _, e := range []engine.Engine{alone, own, emulated} {
				must(t, e.Init(t.Context(), 5))
			}
			watchedAlike(t, s, alone, []engine.Engine{own, emulated}, func(e engine.Engine, at uint64) (engine.Step, []uint32, error) {
				now, watch := reads, blocks
				if at == 1 {
					now = elsewhere
				}
				if at == 2 {
					watch = nil
				}
				got, _, words, err := e.Watch(t.Context(), at, watch, now)
				return got, words, err
			})
		})
	}
}

func TestWhatIsReadIsWhatTheOperandHoldsBeforeAndAfterTheCall(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	tape := s.Plan.Tape(0)
	last := len(tape.Calls()) - 1
	n := tape.Calls()[last].Operands[0].Words
	var at []int32
	for i, r := range tape.Tensors[:len(s.Plan.Params())] { // all parameters
		for e := range r.Words {
			at = append(at, int32(tape.Tensors[i].Offset-tape.Tensors[0].Offset+e))
		}
	}
	s.Reads = 2*n + 1
	reads := []program.Read{{Call: last, At: append([]int32{-1}, at...)}, {Call: last, After: true, At: at}}
	for _, d := range []engine.Device{reference(t), underShim(t, kernelstest.Ascending)} {
		e := start(t, d, s)
		must(t, e.Init(t.Context(), 5))
		state := func() (all []float32) {
			must(t, e.Save(t.Context(), func(tensors [][]float32) error {
				all = slices.Concat(tensors[:len(s.Plan.Params())]...)
				return nil
			}))
			return all
		}
		before := state()
		draw(e, 0)
		_, _, words, err := e.Watch(t.Context(), 0, nil, reads)
		must(t, err)
		want := append(append([]float32{0}, before...), state()...)
		for i, w := range words {
			if math.Float32bits(want[i]) != w {
				t.Fatalf("%s: word %d is %08x, want %v", d.Name(), i, w, want[i])
			}
		}
		if len(words) != len(want) || slices.Equal(want[1:1+len(before)], want[1+len(before):]) {
			t.Errorf("%s: %d words of %d, or the step changed nothing", d.Name(), len(words), len(want))
		}
	}
}

func TestMoreThanThereIsRoomForIsNotRead(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	s.Reads = 2
	for _, d := range []engine.Device{reference(t), underShim(t, kernelstest.Ascending)} {
		e := start(t, d, s)
		if _, _, _, err := e.Watch(t.Context(), 0, nil, []program.Read{{At: make([]int32, 3)}}); err == nil {
			t.Error(d.Name())
		}
	}
}

func TestOtherElementsCostAnAcceleratorNoRecording(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	s.Reads = 8
	b := &blank{broken: -1}
	e := start(t, b.device(), s)
	must(t, e.Init(t.Context(), 1))
	for _, c := range []struct {
		reads    []program.Read
		recorded int
	}{
		{[]program.Read{{At: []int32{1, 2}}}, 1},
		{[]program.Read{{At: []int32{3, 4}}}, 0},
		{[]program.Read{{At: []int32{3, 4, 5}}}, 1},
		{[]program.Read{{At: []int32{3, 4, 5}}, {At: []int32{6}, After: true, Operand: 2}}, 1},
	} {
		before := len(b.routines)
		if _, _, _, err := e.Watch(t.Context(), 0, nil, c.reads); err != nil {
			t.Fatal(err)
		}
		if got := len(b.routines) - before; got != c.recorded {
			t.Errorf("%+v: %d recordings, want %d", c.reads, got, c.recorded)
		}
	}
}

func TestWhateverFailsWhileAnAcceleratorIsReadIsTheDevices(t *testing.T) {
	s := spec(t, programs()["mlp, sgd"])
	s.Reads = 8
	watch := func(b *blank) error {
		e, err := b.device().Start(t.Context(), s)
		if err != nil {
			return err
		}
		_, _, _, err = e.Watch(t.Context(), 0, nil, []program.Read{{At: []int32{1, 2}}})
		return err
	}
	sound := &blank{broken: -1}
	must(t, watch(sound))
	for i := range sound.calls {
		if err := watch(&blank{broken: i}); !errors.Is(err, engine.ErrDevice) {
			t.Errorf("call %d, %s: %v", i, sound.calls[i], err)
		}
	}
}
