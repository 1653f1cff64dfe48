package knn

import "github.com/verifyd/verifyd/kernels"

// windows lay training rows out by label, twice one after the other, so that the rows of any label are the last of some n in
// a row. A device tells equal distances apart by index: in that window, those that match a test row of the label come last.
// Its test rows are laid out by label too, and a tile has one.
type windows struct {
	byLabel []int32          // row at each place of the first n
	labels  []int32          // theirs
	blocks  map[int32][2]int // where a label's rows begin and end
	start   int              // of the window of the tile at hand
}

// window makes the windows. Without labels there is one, of the rows as they are.
func (b *beside) window() {
	if !b.recursive() {
		return
	}
	b.byLabel, b.blocks = sortedBy(b.TrainLabels), map[int32][2]int{}
	b.labels = make([]int32, b.n)
	for at, row := range b.byLabel {
		y := b.TrainLabels[row]
		b.labels[at] = y
		block, ok := b.blocks[y]
		if !ok {
			block[0] = at
		}
		b.blocks[y] = [2]int{block[0], at + 1}
	}
	b.trainWords = laidOut(b.trainWords, b.byLabel, b.words)
	tests := sortedBy(b.TestLabels)
	b.testWords, b.TestLabels = laidOut(b.testWords, tests, b.words), laidOut(b.TestLabels, tests, 1)
}

// laidOut is rows of some words, those at each place.
func laidOut(words, places []int32, width int) []int32 {
	to := make([]int32, len(places)*width)
	for place, row := range places {
		copy(to[place*width:(place+1)*width], words[int(row)*width:])
	}
	return to
}

// turn takes the window of a label, whose rows then are the last.
func (w *windows) turn(label int32, n int) { w.start = w.blocks[label][1] % n }

// at is the place of a column of the window.
func (w *windows) at(column int32, n int) int { return (w.start + int(column)) % n }

// matching counts the rows of a label.
func (w *windows) matching(label int32) int64 { return int64(w.blocks[label][1] - w.blocks[label][0]) }

// tileEnd is where a tile that begins with test row lo ends.
func (b *beside) tileEnd(lo int) int {
	hi := lo + 1
	for hi < min(lo+b.rows, b.m) && (!b.recursive() || b.TestLabels[hi] == b.TestLabels[lo]) {
		hi++
	}
	return hi
}

// windowed is the part of r, rows of some words laid out twice, that the window shows.
func (b *beside) windowed(r kernels.Range, words int) kernels.Range {
	return kernels.Range{Offset: r.Offset + b.start*words, Words: b.n * words}
}
