package program

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/kernels"
)

// Input is what a step reads of its rows. A graph begins with one or more.
type Input struct {
	Type  ElementType `json:"type"`  // F32 values, or I32 token ids
	Shape []int       `json:"shape"` // of one row
}

// ElementType is an element type as JSON has it: "f32" or "i32".
type ElementType kernels.Kind

// The element types of inputs.
const (
	F32 = ElementType(kernels.F32)
	I32 = ElementType(kernels.I32)
)

// MarshalJSON writes "f32" or "i32".
func (t ElementType) MarshalJSON() ([]byte, error) { return json.Marshal(kernels.Kind(t).String()) }

// UnmarshalJSON reads "f32" or "i32".
func (t *ElementType) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"f32"`:
		*t = F32
	case `"i32"`:
		*t = I32
	default:
		return outOfRange("type", "%.64s is neither \"f32\" nor \"i32\"", data)
	}
	return nil
}

// maxRank is the largest number of dimensions of an input.
const maxRank = 8

func (Input) Kind() string { return "input" }

func (o Input) infer(in []TensorSpec) (TensorSpec, []param, error) {
	if err := arity(in, 0); err != nil {
		return TensorSpec{}, nil, err
	}
	if err := within("shape: dimensions", len(o.Shape), 1, maxRank); err != nil {
		return TensorSpec{}, nil, err
	}
	if o.Type != F32 && o.Type != I32 {
		return TensorSpec{}, nil, outOfRange("type", "%d is unknown", o.Type)
	}
	return TensorSpec{Kind: kernels.Kind(o.Type), Shape: o.Shape}, nil, nil
}

func (Input) forward(c *compiler, n *node) value { return c.inputs[n.Index] }

func (Input) backward(*compiler, *node) {}

// inputsOf are the inputs of a graph in ascending order of their names: that of a data set's tensors.
func inputsOf(walked []Walked) (all []Walked) {
	for _, w := range walked {
		if _, ok := w.Op.(Input); ok {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b Walked) int { return strings.Compare(a.Name, b.Name) })
	return all
}
