package optest

import (
	_ "embed" // testdata/golden.txt
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/kernels"
)

// ErrBits is the class of errors that mean that a backend computed, but not the bytes of the reference.
var ErrBits = errors.New("other bits than the reference")

//go:embed testdata/golden.txt
var golden string

// Vector is a golden vector: known bits of an operator, which every machine must give.
type Vector struct {
	Operator string // or "philox", which every backend has from package kernels

	parameters string
}

// Vectors lists the golden vectors of DRN-1. A product has some for each profile.
func Vectors() []Vector {
	var all []Vector
	for line := range strings.Lines(golden) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, parameters, _ := strings.Cut(line, " ")
		all = append(all, Vector{name, parameters})
	}
	return all
}

// String is the vector's line in testdata/golden.txt.
func (v Vector) String() string { return v.Operator + " " + v.parameters }

// Check has b compute the vector. Another result is an error of class ErrBits.
func (v Vector) Check(b Backend) error {
	switch v.Operator {
	case "gemm":
		return v.gemm(b)
	case "sum":
		return v.sum(b)
	case "philox":
		return v.philox()
	case "rope_table":
		return v.ropeTable(b)
	}
	if op, want, err := v.movement(); op != nil {
		if err != nil {
			return err
		}
		return v.moved(op, want, b)
	}
	if op, want, err := v.channel(); op != nil {
		if err != nil {
			return err
		}
		return v.written(op, want, b)
	}
	for _, of := range eachAlone {
		if of(1).Name() == v.Operator {
			return v.function(of, b)
		}
	}
	return fmt.Errorf("unknown golden vector %q", v.Operator)
}

func (v Vector) gemm(b Backend) error {
	profile, parameters, err := v.profile()
	if err != nil {
		return err
	}
	var m, n, k int
	var want uint64
	if _, err := fmt.Sscanf(parameters, "m=%d n=%d k=%d fnv=%x", &m, &n, &k, &want); err != nil {
		return err
	}
	x, y, z := fill(m*k, 5), fill(k*n, 7), make([]float32, m*n)
	for i := range x {
		if i%7 == 0 {
			x[i] *= 1e-38
		}
		if i%11 == 0 {
			x[i] = 0
		}
	}
	if err := b.Run(kernels.Gemm{M: m, N: n, K: k, Profile: profile}, []kernels.Buf{{F: x}, {F: y}, {F: z}}); err != nil {
		return err
	}
	return sameHash(z, want)
}

// profile is the first parameter of a product, "profile=NAME", and what follows; without it the profile is drn1/f32.
func (v Vector) profile() (p kernels.Profile, rest string, err error) {
	name, given := strings.CutPrefix(v.parameters, "profile=")
	if !given {
		return kernels.ProfileF32, v.parameters, nil
	}
	name, rest, _ = strings.Cut(name, " ")
	p, err = kernels.ParseProfile(name)
	return p, rest, err
}

func (v Vector) sum(b Backend) error {
	var n int
	var want uint32
	if _, err := fmt.Sscanf(v.parameters, "n=%d bits=%x", &n, &want); err != nil {
		return err
	}
	sum := make([]float32, 1)
	if err := b.Run(kernels.Sum{N: n}, []kernels.Buf{{F: fill(200000, 9)[:n]}, {F: sum}}); err != nil {
		return err
	}
	if got := canonical(sum[0]); got != want {
		return fmt.Errorf("%w: got %08x, want %08x", ErrBits, got, want)
	}
	return nil
}

// function hashes a map of every step-th binary32.
func (v Vector) function(of func(n int) kernels.Operator, b Backend) error {
	var step int
	var want uint64
	if _, err := fmt.Sscanf(v.parameters, "step=%d fnv=%x", &step, &want); err != nil {
		return err
	}
	var x []float32
	for u := uint64(0); u <= math.MaxUint32; u += uint64(step) {
		x = append(x, math.Float32frombits(uint32(u)))
	}
	y := make([]float32, len(x))
	if err := b.Run(of(len(x)), []kernels.Buf{{F: x}, {F: y}}); err != nil {
		return err
	}
	return sameHash(y, want)
}

func (v Vector) philox() error {
	var ctr, want [4]uint32
	var key [2]uint32
	_, err := fmt.Sscanf(v.parameters, "ctr=%x,%x,%x,%x key=%x,%x words=%x,%x,%x,%x",
		&ctr[0], &ctr[1], &ctr[2], &ctr[3], &key[0], &key[1], &want[0], &want[1], &want[2], &want[3])
	if err != nil {
		return err
	}
	if got := kernels.Philox4x32(ctr, key); got != want {
		return fmt.Errorf("%w: got %08x, want %08x", ErrBits, got, want)
	}
	return nil
}

func (v Vector) ropeTable(b Backend) error {
	var positions, offset int
	var list string
	var want uint64
	if _, err := fmt.Sscanf(v.parameters, "positions=%d offset=%d frequencies=%s fnv=%x", &positions, &offset, &list, &want); err != nil {
		return err
	}
	var frequencies []float32
	for word := range strings.SplitSeq(list, ",") {
		bits, err := strconv.ParseUint(word, 16, 32)
		if err != nil {
			return err
		}
		frequencies = append(frequencies, math.Float32frombits(uint32(bits)))
	}
	n := positions * len(frequencies)
	table := make([]float32, 2*n)
	op := kernels.RopeTable{Positions: positions, Offset: offset, Frequencies: kernels.NewFrequencies(frequencies)}
	if err := b.Run(op, []kernels.Buf{{F: table[:n]}, {F: table[n:]}}); err != nil {
		return err
	}
	return sameHash(table, want)
}

// fill is the generator of golden.txt.
func fill(n int, s uint64) []float32 {
	x := make([]float32, n)
	for i := range x {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		x[i] = float32(int64(s>>20)-1<<43) / (1 << 43)
	}
	return x
}

func sameHash(x []float32, want uint64) error {
	h := uint64(1469598103934665603)
	for _, v := range x {
		h = (h ^ uint64(canonical(v))) * 1099511628211
	}
	if h != want {
		return fmt.Errorf("%w: hash %016x, want %016x", ErrBits, h, want)
	}
	return nil
}
