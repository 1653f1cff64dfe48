package kernels

import (
	"math"
	"testing"
)

// parted are the tensors of SDPA that qkv holds.
func parted(o Attention, qkv, do []float32) *sdpaTensors {
	t := newSDPATensors(o.SDPA())
	width := t.queryWidth
	for i := range o.Batch * o.Seq {
		for part, x := range [][]float32{t.q, t.k, t.v} {
			copy(x[i*width:][:width], qkv[(i*3+part)*width:])
		}
	}
	copy(t.do, do)
	return t
}

// packed is the gradient of qkv.
func (t *sdpaTensors) packed() (dqkv []float32) {
	width := t.queryWidth
	for i := range t.shape.Batch * t.shape.Queries {
		for _, x := range [][]float32{t.dq, t.dk, t.dv} {
			dqkv = append(dqkv, x[i*width:][:width]...)
		}
	}
	return dqkv
}

func TestAttentionIsItsDefinition(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name        string
		batch, head int
		seq         int
		causal      bool
		nonFinite   bool
	}{
		{"one position", 1, 1, 1, true, false},
		{"causal, one chunk and a part of a block", 1, 1, 530, true, false},
		{"full", 1, 1, 530, false, false},
		{"heads of several samples", 2, 3, 70, true, false},
		{"an infinite value hurts only the queries that have it as a term", 1, 1, 200, true, true},
	} {
		o := Attention{Batch: c.batch, Heads: c.head, Seq: c.seq, HeadDim: 3, Causal: c.causal, Profile: ProfileF32}
		n, rows := o.elements(), c.batch*c.head*c.seq
		qkv, do := fill(3*n, 21), fill(n, 22)
		for i := range qkv {
			qkv[i] *= 3
		}
		if c.nonFinite {
			qkv[(100*3+2)*3+1] = inf
			do[150*3] = inf
		}
		want := parted(o, qkv, do)
		want.byDefinition()
		out, top, sum, dqkv := zeros(n), zeros(rows), zeros(rows), zeros(3*n)
		run(t, o, floats(qkv...), out, top, sum)
		run(t, AttentionGrad(o), floats(qkv...), out, top, sum, floats(do...), dqkv)
		same(t, c.name+": o", out.F, want.o)
		same(t, c.name+": max", top.F, want.max)
		same(t, c.name+": sum", sum.F, want.sum)
		same(t, c.name+": dqkv", dqkv.F, want.packed())
	}
}
