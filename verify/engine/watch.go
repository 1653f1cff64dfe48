package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/program"
)

// watched is the routine of a watched step, and where it leaves what it is watched in.
type watched struct {
	routine int // -1 until one is recorded
	blocks  []program.Block
	reads   []program.Read // but for their elements
	at      int            // the first of MaxWatched words of the accelerator, behind the other results

	elements, words kernels.Range // of the reads: which they are, and what they hold
	ids, read       []uint32      // those on the host
}

// Watch runs a routine of its own, so that all other steps cost what they cost.
func (e *accelerated) Watch(ctx context.Context, t uint64, blocks []program.Block, reads []program.Read) (s Step, words, read []uint32, err error) {
	w := &e.watched
	if words, err = room(e.out[w.at-e.tape.Out.Offset:][:MaxWatched], size(blocks), "watch"); err != nil {
		return s, nil, nil, err
	}
	if read, err = e.choose(ctx, reads); err != nil {
		return s, nil, nil, err
	}
	if w.routine < 0 || !slices.Equal(blocks, w.blocks) || !slices.EqualFunc(reads, w.reads, alike) {
		step, err := e.routine(blocks, reads)
		if err != nil {
			return s, nil, nil, err
		}
		if w.routine, err = e.device.Record(ctx, step); err != nil {
			w.routine = -1
			return s, nil, nil, failed(ctx, "record a watched step", err)
		}
		w.blocks, w.reads = slices.Clone(blocks), slices.Clone(reads)
	}
	s, err = e.run(ctx, t, w.routine, e.out[:e.results(blocks).Words])
	if err != nil {
		return s, nil, nil, err
	}
	if len(read) > 0 {
		if err := e.device.Read(ctx, read, w.words.Offset); err != nil {
			return s, nil, nil, failed(ctx, "read a step", err)
		}
	}
	canonicalize(words)
	canonicalize(read)
	return s, words, read, nil
}

// alike says whether one routine serves both reads.
func alike(a, b program.Read) bool {
	return a.Call == b.Call && a.Operand == b.Operand && a.After == b.After && len(a.At) == len(b.At)
}

// choose writes which elements are read, and returns room for them.
func (e *accelerated) choose(ctx context.Context, reads []program.Read) ([]uint32, error) {
	n := program.ReadWords(reads)
	if n > 0 && e.watched.ids == nil {
		e.watched.ids, e.watched.read = make([]uint32, e.watched.elements.Words), make([]uint32, e.watched.words.Words)
	}
	ids, err := room(e.watched.ids, n, "read")
	if err != nil || n == 0 {
		return nil, err
	}
	at := 0
	for _, r := range reads {
		at += copy(ids[at:], little.Words32(r.At))
	}
	return e.watched.read[:n], failed(ctx, "choose what to read", e.device.Write(ctx, e.watched.elements.Offset, ids))
}

// looker puts copies of what is watched behind and between calls. Where a layer that kernels compute at once would be
// watched inside, it is computed call by call, with the same bits.
type looker struct {
	watched
	blocks []program.Block
	reads  []program.Read
}

// calls are the launches of calls, which are those of a step from begun on.
func (l *looker) calls(steps []kernels.Call, begun int) (all []launch.Planned, err error) {
	for done := 0; ; {
		looks := l.due(steps, begun, done)
		next := program.Until(l.blocks, l.reads, begun, len(steps))
		for _, list := range [][]kernels.Call{looks, steps[done:next]} {
			part, err := calls(list)
			if err != nil {
				return nil, err
			}
			all = append(all, part...)
		}
		if done = next; done == len(steps) {
			part, err := calls(l.due(steps, begun, done))
			return append(all, part...), err
		}
	}
}

// due are the copies that are made when done of the steps have run.
func (l *looker) due(steps []kernels.Call, begun, done int) (copies []kernels.Call) {
	for len(l.blocks) > 0 && l.blocks[0].Call == begun+done-1 {
		b := l.blocks[0]
		from := kernels.Range{Offset: steps[done-1].Operands[b.Operand].Offset + b.First, Words: b.Words}
		to := kernels.Range{Offset: l.at, Words: b.Words}
		copies = append(copies, kernels.Call{Op: kernels.Copy{N: to.Words}, Operands: []kernels.Range{from, to}})
		l.blocks, l.at = l.blocks[1:], l.at+b.Words
	}
	for len(l.reads) > 0 && l.reads[0].Before() == begun+done && l.reads[0].Call-begun < len(steps) {
		r := l.reads[0]
		from, n := steps[r.Call-begun].Operands[r.Operand], len(r.At)
		if n > 0 {
			copies = append(copies, kernels.Call{
				Op:       kernels.Embedding{Rows: n, Vocab: from.Words, Dim: 1}, // an element outside is +0
				Operands: []kernels.Range{{Offset: l.elements.Offset, Words: n}, from, {Offset: l.words.Offset, Words: n}},
			})
		}
		l.reads = l.reads[1:]
		l.elements.Offset, l.words.Offset = l.elements.Offset+n, l.words.Offset+n
	}
	return copies
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

// room is the first n of words, what they are there for being named.
func room(words []uint32, n int, what string) ([]uint32, error) {
	if n > len(words) {
		return nil, fmt.Errorf("engine: %d words to %s, %d at most", n, what, len(words))
	}
	return words[:n], nil
}

func canonicalize(words []uint32) {
	for i, w := range words {
		words[i] = canonical(w)
	}
}
