package bench

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/head"
	"github.com/verifyd/verifyd/shapley/knn"
	"github.com/verifyd/verifyd/shapley/retrain"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/round/roundtest"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// neighbourRows are rows of whole numbers from 0 to 255, of ten classes: what class Neighbours of peers/values.py makes.
func neighbourRows(n, m, width int) knn.Data {
	pixels := func(rows int, seed uint64) []float32 {
		x := hashed(rows*width, seed)
		for i := range x {
			x[i] = float32(math.Floor(float64(x[i]+0.5) * 256))
		}
		return x
	}
	labels := func(rows int, seed uint64) []int32 {
		y := make([]int32, rows)
		for i, v := range hashed(rows, seed) {
			y[i] = int32(float64(v+0.5) * 10)
		}
		return y
	}
	return knn.Data{Width: width, Train: pixels(n, 1), Test: pixels(m, 2), TrainLabels: labels(n, 3), TestLabels: labels(m, 4)}
}

// modelRows are features of variance 1 and two classes: what class Models of peers/values.py makes.
func modelRows(n, m, width int) retrain.Data {
	direction := hashed(width, 7)
	rows := func(rows int, seed uint64) ([]float32, []int32) {
		x, noise, y := hashed(rows*width, seed), hashed(rows, seed+10), make([]int32, rows)
		for r := range y {
			sum := float64(noise[r])
			for j, d := range direction {
				sum += float64(x[r*width+j]) * float64(d)
			}
			if sum > 0 {
				y[r] = 1
			}
		}
		for i := range x {
			x[i] *= float32(math.Sqrt(12))
		}
		return x, y
	}
	d := retrain.Data{Width: width}
	d.Train, d.Labels = rows(n, 5)
	d.Validation, d.ValidationLabels = rows(m, 6)
	return d
}

// growing are count coalitions of n players, of growing size: those of Models.fit in peers/values.py.
func growing(n, count int) []shapley.Coalition {
	coalitions := make([]shapley.Coalition, count)
	for c := range coalitions {
		coalitions[c] = shapley.NewCoalition(n)
		for i, v := range hashed(n, uint64(100+c)) {
			if float64(v)+0.5 < float64(c+1)/float64(count+1) {
				coalitions[c].Add(i)
			}
		}
	}
	return coalitions
}

// headGame is a linear head with random contributions of n players.
func headGame(n, rows, classes int) (*head.Game, error) {
	logits := func(seed uint64, scale float32) []int32 {
		l := make([]int32, rows*classes)
		for i, v := range hashed(len(l), seed) {
			l[i] = int32(v * scale)
		}
		return l
	}
	players, labels := make([][]int32, n), make([]int32, rows)
	for p := range players {
		players[p] = logits(uint64(10+p), 200)
	}
	for r := range labels {
		labels[r] = int32(r % classes)
	}
	return head.New(labels, classes, logits(9, 2000), players)
}

// roundOf is a round of n updates of an MLP, small beside its parameters, with validation rows.
func roundOf(n, rows int, hidden ...int) (round.Round, error) {
	p := roundtest.MLP(784, 10, 32, 0.1, hidden...)
	base, err := roundtest.Start(p, 1)
	if err != nil {
		return round.Round{}, err
	}
	v := roundtest.Digits(rows, 784, 10, 2, 1)
	r := round.Round{Program: p, Base: base, X: kernels.Buf{F: v.X}, Y: kernels.Buf{I: v.Y}}
	for i := range n {
		update, err := roundtest.Start(p, uint64(i+2))
		if err != nil {
			return round.Round{}, err
		}
		for _, tensor := range update {
			for e := range tensor {
				tensor[e] *= 0.1
			}
		}
		r.Updates, r.Sizes = append(r.Updates, update), append(r.Sizes, uint64(100+i))
	}
	return r, nil
}

// pairOf are the coalitions along a permutation of n players and its reverse, but for nobody and everybody.
func pairOf(n int) []shapley.Coalition {
	var walk []shapley.Coalition
	for first := range 2 {
		c := shapley.NewCoalition(n)
		for k := range n - 1 {
			c.Add((first*(n-1) + (1-2*first)*k) * 13 % n)
			walk = append(walk, c.Clone())
		}
	}
	return walk
}

// writeRows writes features "x" and labels "y" into a file for `verifyd value knn`, and returns its path.
func writeRows(dir, name string, width int, x []float32, y []int32) (string, error) {
	path := filepath.Join(dir, name+".safetensors")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	err = safetensors.Write(f, nil, []safetensors.Tensor{
		{Name: "x", Shape: []int{len(y), width}, F32: x},
		{Name: "y", Shape: []int{len(y)}, I32: y},
	})
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return path, nil
}
