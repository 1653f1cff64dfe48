package interpreter

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/ptx"
)

// run executes a kernel f(u64 buffer of 64 words, u32) of the given lines on one block of threads.
func run(t *testing.T, threads uint32, lines ...string) (words []uint32, err error) {
	t.Helper()
	text := ".version 6.4\n.target sm_70\n.address_size 64\n.visible .entry f(\n.param .u64 f_0,\n.param .u32 f_1\n)\n{\n" +
		".reg .pred %p<9>;\n.reg .b32 %r<9>;\n.reg .f32 %f<9>;\n.reg .b64 %rd<9>;\n.shared .align 4 .b8 s[256];\n" +
		"ld.param.u64 %rd1, [f_0];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nmov.u64 %rd4, s;\nadd.s64 %rd5, %rd4, %rd2;\n" +
		strings.Join(lines, "\n") + "\nret;\n}\n"
	m, err := New([]ptx.Module{{Name: "f", Text: text}}, 0)
	if err != nil {
		return nil, err
	}
	mem := &memory{buffers: []buffer{{data: make([]uint32, 64)}}}
	err = m.launch(launch.Launch{
		Kernel: "f", Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{threads, 1, 1},
		Args: []launch.Arg{{Kind: launch.Buffer}, {Kind: launch.Scalar, Word: 7}},
	}, mem, []int{0})
	return mem.buffers[0].data, err
}

func TestWhatIsOutsideOfTheReviewedListIsRefused(t *testing.T) {
	for _, line := range []string{
		"add.f32 %f1, %f2, %f3;", "add.rn.ftz.f32 %f1, %f2, %f3;", "div.approx.f32 %f1, %f2, %f3;", "fma.rz.f32 %f1, %f2, %f3, %f4;",
		"atom.global.add.u32 %r1, [%rd1], 1;", "ld.local.f32 %f1, [%rd1];", "ld.volatile.global.f32 %f1, [%rd1];", "call foo;",
		"add.rn.f32 %f1, %f2;", "add.s64 %rd1, %r1, %rd2;", "add.s32 %r1, %q2, %r3;", "bra $L__nowhere;", "bar.sync 1;",
		"shfl.sync.bfly.b32 %f1, %f2, 1, 15, -1;", "mov.u32 %r1, %clock;", ".local .align 8 .b8 depot[8];",
	} {
		if _, err := run(t, 32, line); err == nil {
			t.Errorf("accepted: %s", line)
		}
	}
}

func TestFaultsOfAKernelAreErrors(t *testing.T) {
	for name, lines := range map[string][]string{
		"outside of": {"st.global.u32 [%rd3+256], %r1;"},
		"no buffer":  {"mov.u64 %rd1, 64;", "st.global.u32 [%rd1], %r1;"},
		"aligned":    {"ld.global.v2.u32 {%r2, %r3}, [%rd1+4];"},
		"a barrier": {
			"setp.lt.u32 %p1, %r1, 32;", "@%p1 bra $L__1;", "bar.sync 0;", "$L__1:",
		},
		"before a barrier": {
			"setp.lt.u32 %p1, %r1, 5;", "@%p1 bra $L__1;", "bar.sync 0;", "$L__1:",
		},
		"different barriers": {
			"setp.lt.u32 %p1, %r1, 5;", "@%p1 bra $L__1;", "bar.sync 0;", "bra.uni $L__2;", "$L__1:", "bar.sync 0;", "add.s32 %r2, %r1, 1;", "bar.sync 0;", "$L__2:",
		},
	} {
		if _, err := run(t, 64, lines...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSharedMemoryIsPoisoned(t *testing.T) {
	words, err := run(t, 32, "ld.shared.u32 %r2, [%rd5];", "st.global.u32 [%rd3], %r2;")
	if err != nil || words[9] != poison {
		t.Errorf("%08x, %v", words[9], err)
	}
}

func TestThreadsPartAndMeetAgain(t *testing.T) {
	// Thread i adds 1 to r2 i times, then all exchange it with their neighbour.
	words, err := run(t, 32,
		"mov.u32 %r2, 0;", "$L__1:", "setp.ge.u32 %p1, %r2, %r1;", "@%p1 bra $L__2;", "add.s32 %r2, %r2, 1;", "bra.uni $L__1;", "$L__2:",
		"shfl.sync.bfly.b32 %r3, %r2, 1, 31, -1;", "st.global.u32 [%rd3], %r3;")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 32 {
		if words[i] != uint32(i^1) {
			t.Errorf("thread %d has %d", i, words[i])
		}
	}
}
