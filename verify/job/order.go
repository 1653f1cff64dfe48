package job

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// rounds is the number of Feistel rounds, as in NIST SP 800-38G's FF1.
const rounds = 10

// Order is the sequence of samples that one slot of one worker trains on: each epoch goes through all
// samples once, in an order of its own.
//
// Position p of an epoch holds the sample that a keyed permutation of [0, samples) gives for p: a
// balanced Feistel network over the smallest even number of bits that holds every sample, walked
// until it lands below the number of samples. The round function is AES-128, and the key comes from
// HKDF-SHA256 over the assignment's order seed, with the job, the worker, the slot and the epoch as info: what was
// trained for one job is in the order of no other.
type Order struct {
	assignment Assignment
	samples    uint64
	half       uint // bits of half a position
	epoch      uint64
	block      cipher.Block // of epoch; nil before the first use
	buf        [aes.BlockSize]byte
}

// OrderFor returns the order of an assignment. It serves one goroutine at a time.
func (j *Job) OrderFor(a Assignment) *Order {
	samples := j.DataFor(&a).Samples
	width := uint(bits.Len64(samples - 1))
	return &Order{
		assignment: a, samples: samples,
		half: max(1, (width+1)/2),
	}
}

// Fill sets ids to the samples of a step whose batches have len(ids) rows together. It allocates only
// when an epoch begins.
func (o *Order) Fill(step uint64, ids []int64) error {
	rows := uint64(len(ids))
	if hi, at := bits.Mul64(step, rows); hi != 0 || at+rows < at {
		return fmt.Errorf("step %d of %d rows: the position overflows", step, rows)
	}
	for i := range ids {
		id, err := o.at(step*rows + uint64(i))
		if err != nil {
			return err
		}
		ids[i] = int64(id)
	}
	return nil
}

// at returns the sample at a position of the sequence.
func (o *Order) at(position uint64) (uint64, error) {
	if epoch := position / o.samples; o.block == nil || epoch != o.epoch {
		if err := o.begin(epoch); err != nil {
			return 0, err
		}
	}
	id := position % o.samples
	for {
		if id = o.permute(id); id < o.samples {
			return id, nil
		}
	}
}

func (o *Order) begin(epoch uint64) error {
	a := &o.assignment
	info := append([]byte("verifyd-order/1"), a.Job[:]...)
	info = append(info, a.Worker[:]...)
	info = binary.BigEndian.AppendUint32(info, a.Slot)
	info = binary.BigEndian.AppendUint64(info, epoch)
	key, err := hkdf.Key(sha256.New, a.Seed[:], nil, string(info), 16)
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	if o.block, err = aes.NewCipher(key); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	o.epoch = epoch
	return nil
}

// permute is the Feistel network on 2*half bits.
func (o *Order) permute(x uint64) uint64 {
	mask := uint64(1)<<o.half - 1
	left, right := x>>o.half, x&mask
	for r := range rounds {
		clear(o.buf[:])
		o.buf[0] = byte(r)
		binary.BigEndian.PutUint64(o.buf[8:], right)
		o.block.Encrypt(o.buf[:], o.buf[:])
		left, right = right, left^binary.BigEndian.Uint64(o.buf[8:])&mask
	}
	return left<<o.half | right
}
