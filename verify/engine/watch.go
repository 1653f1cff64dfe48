package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/program"
)

// watched is the routine of a watched step, and where it leaves the blocks.
type watched struct {
	routine int // -1 until one is recorded
	blocks  []program.Block
	at      int // the first of MaxWatched words of the accelerator, behind the other results
}

// Watch runs a routine of its own, so that all other steps cost what they cost.
func (e *accelerated) Watch(ctx context.Context, t uint64, blocks []program.Block) (s Step, words []uint32, err error) {
	if words, err = room(e.out[e.watched.at-e.tape.Out.Offset:], blocks); err != nil {
		return s, nil, err
	}
	if e.watched.routine < 0 || !slices.Equal(blocks, e.watched.blocks) {
		step, err := e.routine(blocks)
		if err != nil {
			return s, nil, err
		}
		if e.watched.routine, err = e.device.Record(ctx, step); err != nil {
			e.watched.routine = -1
			return s, nil, failed(ctx, "record a watched step", err)
		}
		e.watched.blocks = slices.Clone(blocks)
	}
	s, err = e.run(ctx, t, e.watched.routine, e.out[:e.results(blocks).Words])
	if err != nil {
		return s, nil, err
	}
	canonicalize(words)
	return s, words, nil
}

// backward is the first part of a step with a copy of each block behind its call. Where a layer that kernels
// compute at once would be watched inside, it is computed call by call, with the same bits.
func (e *accelerated) backward(blocks []program.Block) (all []launch.Planned, err error) {
	steps, done, at := e.tape.Backward(), 0, e.watched.at
	for i := 0; i <= len(blocks); i++ {
		end := len(steps)
		if i < len(blocks) {
			end = blocks[i].Call + 1
		}
		part, err := calls(steps[done:end])
		if err != nil {
			return nil, err
		}
		all, done = append(all, part...), end
		if i == len(blocks) {
			break
		}
		b := blocks[i]
		from := kernels.Range{Offset: steps[b.Call].Operands[b.Operand].Offset + b.First, Words: b.Words}
		to := kernels.Range{Offset: at, Words: b.Words}
		copying, err := calls([]kernels.Call{{Op: kernels.Copy{N: to.Words}, Operands: []kernels.Range{from, to}}})
		if err != nil {
			return nil, err
		}
		all, at = append(all, copying...), at+to.Words
	}
	return all, nil
}

// results is what a step gives back with blocks.
func (e *accelerated) results(blocks []program.Block) kernels.Range {
	return kernels.Range{Offset: e.tape.Out.Offset, Words: e.watched.at + size(blocks) - e.tape.Out.Offset}
}

// size is the words of blocks.
func size(blocks []program.Block) (words int) {
	for _, b := range blocks {
		words += b.Words
	}
	return words
}

// room is the part of words that blocks fill.
func room(words []uint32, blocks []program.Block) ([]uint32, error) {
	n := size(blocks)
	if n > MaxWatched {
		return nil, fmt.Errorf("engine: %d words to watch, %d at most", n, MaxWatched)
	}
	return words[:n], nil
}

func canonicalize(words []uint32) {
	for i, w := range words {
		words[i] = canonical(w)
	}
}
