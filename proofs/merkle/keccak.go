package merkle

import (
	"bytes"
	"encoding/binary"
	"hash"
	"runtime"
	"sync"

	"golang.org/x/crypto/sha3"

	"github.com/verifyd/verifyd/proofs"
)

// A hasher computes Keccak-256 with a state that is used again and again, and
// is of one goroutine.
type hasher struct {
	state hash.Hash
	buf   [128]byte
}

func newHasher() *hasher { return &hasher{state: sha3.NewLegacyKeccak256()} }

// sum stores the Keccak-256 of the first n bytes of h.buf.
func (h *hasher) sum(out *proofs.Hash, n int) {
	h.state.Reset()
	h.state.Write(h.buf[:n]) // a hash never fails to be written
	h.state.Sum(out[:0])
}

// leaf is keccak(keccak(abi.encode(pool, account, cumulativeUnits, detail))).
func (h *hasher) leaf(out, pool *proofs.Hash, l *Leaf) {
	copy(h.buf[:], pool[:])
	copy(h.buf[32:], l.Account[:])
	clear(h.buf[64:80])
	binary.BigEndian.PutUint64(h.buf[80:], l.CumulativeUnits.Hi)
	binary.BigEndian.PutUint64(h.buf[88:], l.CumulativeUnits.Lo)
	copy(h.buf[96:], l.Detail[:])
	h.sum(out, 128)
	copy(h.buf[:], out[:])
	h.sum(out, 32)
}

// node is the hash of two nodes, the lesser first.
func (h *hasher) node(out, a, b *proofs.Hash) {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	copy(h.buf[:], a[:])
	copy(h.buf[32:], b[:])
	h.sum(out, 64)
}

// serial is how much work is not worth a goroutine.
const serial = 512

// parallel calls work for parts of 0..n-1, on every processor, and returns
// when all are done. What it computes does not depend on the cut.
func parallel(n int, work func(h *hasher, from, to int)) {
	parts := min(runtime.GOMAXPROCS(0), (n+serial-1)/serial)
	if parts <= 1 {
		work(newHasher(), 0, n)
		return
	}
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() { work(newHasher(), p*n/parts, (p+1)*n/parts) })
	}
	wg.Wait()
}
