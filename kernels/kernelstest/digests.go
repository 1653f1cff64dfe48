package kernelstest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// CheckDigests compares the digests of a drawn tensor of n words with those of package blake3. NaNs are hashed as one.
func CheckDigests(runner Runner, n int) error {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	x := make([]float32, n)
	content := make([]byte, 0, 4*n)
	pieces := (n + launch.DigestPiece - 1) / launch.DigestPiece
	strange := make([]int32, pieces)
	ordinary := []int{launch.DigestPiece, 0, 256, 0}[n%4] // words at the beginning without NaN and infinities
	for i := range x {
		word := r.Uint32()
		if i < ordinary && word&0x7f800000 == 0x7f800000 {
			word = 0x3f800000
		}
		x[i] = math.Float32frombits(word)
		if word&0x7f800000 == 0x7f800000 {
			strange[i/launch.DigestPiece] = 1
		}
		if x[i] != x[i] {
			word = 0x7fc00000
		}
		content = binary.LittleEndian.AppendUint32(content, word)
	}
	digests, odd, table := make([]int32, 8*pieces), make([]int32, pieces), digestTable(n)
	if err := runner.Execute(launch.Digests(pieces), []kernels.Buf{{F: x}, {I: table}, {I: digests}, {I: odd}}); err != nil {
		return err
	}
	for p := range pieces {
		want := blake3.Sum256(content[4*p*launch.DigestPiece : min(len(content), 4*(p+1)*launch.DigestPiece)])
		for i := range 8 {
			if w := binary.LittleEndian.Uint32(want[4*i:]); uint32(digests[8*p+i]) != w {
				return fmt.Errorf("%d words, piece %d: word %d of the digest is %08x, want %08x", n, p, i, uint32(digests[8*p+i]), w)
			}
		}
		if odd[p] != strange[p] {
			return fmt.Errorf("%d words, piece %d: odd is %d, want %d", n, p, odd[p], strange[p])
		}
	}
	return nil
}

// digestTable is the table of a tensor of n words.
func digestTable(n int) []int32 {
	var table []int32
	for _, w := range launch.DigestTable(launch.Pieces([]kernels.Range{{Words: n}})) {
		table = append(table, int32(w))
	}
	return table
}
