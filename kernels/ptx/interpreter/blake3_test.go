package interpreter_test

import (
	little "encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

func TestDigestsAreThoseOfBLAKE3WithCanonicalNaN(t *testing.T) {
	m := machine(t, 1)
	for _, n := range []int{1, 16, 17, 256, 257, 1280, 5001} {
		r := rand.New(rand.NewPCG(uint64(n), 4))
		x, content := make([]float32, n), []byte{}
		for i := range x {
			word := r.Uint32()
			x[i] = math.Float32frombits(word)
			if x[i] != x[i] {
				word = 0x7fc00000
			}
			content = little.LittleEndian.AppendUint32(content, word)
		}
		digest, odd := make([]int32, 8), make([]int32, 1)
		if err := m.Execute(launch.Digests(1), []kernels.Buf{{F: x}, {I: []int32{0, 0, int32(n)}}, {I: digest}, {I: odd}}); err != nil {
			t.Fatal(err)
		}
		want := blake3.Sum256(content)
		for i := range digest {
			if w := little.LittleEndian.Uint32(want[4*i:]); uint32(digest[i]) != w {
				t.Errorf("%d words: word %d of the digest is %08x, want %08x", n, i, uint32(digest[i]), w)
			}
		}
	}
}
