package demo

import (
	"os"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/digits"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// writeData writes the images to train on as the data set of a job: x with rows
// of the shape that the program reads, y with the digits.
func writeData(path string, plan *program.Plan) error {
	images, labels, err := digits.Load()
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	shape := slices.Clone(plan.X().Shape)
	shape[0] = digits.Trained
	err = safetensors.Write(f, nil, []safetensors.Tensor{
		{Name: "x", Shape: shape, F32: images[:digits.Trained*digits.Pixels]},
		{Name: "y", Shape: []int{digits.Trained}, I32: labels[:digits.Trained]},
	})
	if err != nil {
		return err
	}
	return f.Close()
}

// accuracy is the share of the images kept for testing that the machine's
// parameters name rightly.
func accuracy(m *program.Machine, rows int) (float64, error) {
	images, labels, err := digits.Load()
	if err != nil {
		return 0, err
	}
	right, seen := 0, 0
	for at := digits.Trained; at < digits.Count; at += rows {
		// The last batch reaches back over images already counted.
		from := min(at, digits.Count-rows)
		copy(m.X().F, images[from*digits.Pixels:(from+rows)*digits.Pixels])
		copy(m.Y().I, labels[from:from+rows])
		_, logits, err := m.Evaluate()
		if err != nil {
			return 0, err
		}
		for i := at - from; i < rows; i++ {
			if best(logits[i*digits.Classes:(i+1)*digits.Classes]) == labels[from+i] {
				right++
			}
			seen++
		}
	}
	return float64(right) / float64(seen), nil
}

// best is the class with the largest output.
func best(logits []float32) int32 {
	return int32(slices.Index(logits, slices.Max(logits)))
}
