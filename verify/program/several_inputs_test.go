package program_test

import (
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

func TestNodesOfSeveralInputsThatDoNotFitAreRefused(t *testing.T) {
	type shape = []int
	for _, c := range []struct {
		name   string
		inputs []shape // f32, but for one of a single dimension, which is i32 tokens
		op     program.Op
		want   string
	}{
		{"attention of two inputs", []shape{{4, 6}, {4, 6}}, program.Attention{Heads: 2}, "inputs: 2 given, 1, 3 or 4 needed"},
		{"attention of no heads", []shape{{4, 6}, {4, 6}, {4, 6}}, program.Attention{}, "heads: 0 is outside 1 to"},
		{"queries of other heads", []shape{{4, 7}, {4, 6}, {4, 6}}, program.Attention{Heads: 2}, "heads: width 7 of the queries is not a multiple of 2"},
		{"keys of another width", []shape{{4, 6}, {4, 5}, {4, 6}}, program.Attention{Heads: 2}, `are 5 wide, 2 heads of 3 need 6`},
		{"values of another width", []shape{{4, 6}, {4, 6}, {4, 8}}, program.Attention{Heads: 2}, "are [4 8], keys"},
		{"values of other positions", []shape{{4, 6}, {5, 6}, {4, 6}}, program.Attention{Heads: 2}, "are [4 6], keys"},
		{"heads that cannot be shared", []shape{{4, 6}, {4, 4}, {4, 4}}, program.Attention{Heads: 3, KVHeads: 2}, "kv_heads: 2 does not divide heads, 3"},
		{"fewer heads than none", []shape{{4, 6}, {4, 4}, {4, 4}}, program.Attention{Heads: 3, KVHeads: -1}, "kv_heads: -1 does not divide heads, 3"},
		{"more heads of keys than of queries", []shape{{4, 6}, {4, 6}, {4, 6}}, program.Attention{Heads: 2, KVHeads: 4}, "kv_heads: 4 does not divide heads, 2"},
		{"shared heads of one tensor", []shape{{4, 6}}, program.Attention{Heads: 2, KVHeads: 1}, "kv_heads: 1 needs queries, keys and values as inputs of their own"},
		{"a scale of one tensor", []shape{{4, 6}}, program.Attention{Heads: 2, Scale: 0.5}, "scale: 0.5 needs queries, keys and values as inputs of their own"},
		{"a negative scale", []shape{{4, 6}, {4, 6}, {4, 6}}, program.Attention{Heads: 2, Scale: -1}, "scale: -1 is outside 1e-20 to 1e+20"},
		{"a scale beyond binary32", []shape{{4, 6}, {4, 6}, {4, 6}}, program.Attention{Heads: 2, Scale: 1e39}, "scale: 1e+39 is outside 1e-20 to 1e+20"},
		{"a scale that is no number", []shape{{4, 6}, {4, 6}, {4, 6}}, program.Attention{Heads: 2, Scale: math.NaN()}, "scale: NaN is outside"},
		{"too many keys", []shape{{4, 1}, {1<<15 + 1, 1}, {1<<15 + 1, 1}}, program.Attention{Heads: 1}, "keys: 32769 is outside 1 to 32768"},
		{"a mask of other positions", []shape{{4, 6}, {4, 6}, {4, 6}, {5}}, program.Attention{Heads: 2}, "is [5], [4] needed: one number for each key"},
		{"a mask of numbers", []shape{{4, 6}, {4, 6}, {4, 6}, {4, 1}}, program.Attention{Heads: 2}, "is f32, i32 needed"},
		{"a mask among the keys", []shape{{4, 6}, {4}, {4, 6}, {4, 6}}, program.Attention{Heads: 2}, "is i32, f32 needed"},

		{"a rope of an image", []shape{{4, 6, 2}}, program.Rope{Heads: 1, Theta: 10}, "has 3 dimensions, 2 needed"},
		{"a rope of no heads", []shape{{4, 6}}, program.Rope{Theta: 10}, "heads: 0 is outside"},
		{"a rope of heads that do not fit", []shape{{4, 6}}, program.Rope{Heads: 4, Theta: 10}, "heads: width 6 is not a multiple of 4"},
		{"a rope of heads of odd width", []shape{{4, 6}}, program.Rope{Heads: 2, Theta: 10}, "width of a head: 2 is outside 3 to"},
		{"a rope without frequencies", []shape{{4, 6}}, program.Rope{Heads: 1}, "theta: 0 is outside (1, 1e+12]"},
		{"a rope of a base of one", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: 1}, "theta: 1 is outside (1, 1e+12]"},
		{"a rope of an endless base", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: math.Inf(1)}, "theta: +Inf is outside"},
		{"a rope of an odd number of dimensions", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: 10, Dims: 3}, "dims: 3 is odd"},
		{"a rope of more dimensions than a head has", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: 10, Dims: 8}, "dims: 8 is outside 2 to 6"},
		{"a rope of a base and a list", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: 10, Frequencies: []float32{1}}, "frequencies: given together with theta or dims"},
		{"a rope of more pairs than a head has", []shape{{4, 6}}, program.Rope{Heads: 1, Frequencies: []float32{1, 1, 1, 1}}, "frequencies: length: 4 is outside 1 to 3"},
		{"a rope that turns back", []shape{{4, 6}}, program.Rope{Heads: 1, Frequencies: []float32{1, -1}}, "frequencies: number 1, -1, is negative"},
		{"a rope that turns too far", []shape{{4, 6}}, program.Rope{Heads: 1, Frequencies: []float32{6e6}}, "turns position 3 by 16777216 radians or more"},
		{"a rope that is no number", []shape{{4, 6}}, program.Rope{Heads: 1, Frequencies: []float32{float32(math.NaN())}}, "frequencies: number 0, NaN"},
		{"a rope before the beginning", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: 10, Offset: -1}, "offset: -1 is outside 0 to"},
		{"a rope behind the last position", []shape{{4, 6}}, program.Rope{Heads: 1, Theta: 10, Offset: 1<<24 - 3}, "offset: 16777213 is outside 0 to 16777212"},

		{"a product of one", []shape{{4, 6}}, program.MatMul{}, "inputs: 1 given, 2 needed"},
		{"a product of tokens", []shape{{4, 6}, {4}}, program.MatMul{}, "is i32, f32 needed"},
		{"a product of an image and a matrix", []shape{{4, 6, 2}, {6, 2}}, program.MatMul{}, "has 3 dimensions and"},
		{"a product of batches of other sizes", []shape{{4, 6, 2}, {3, 2, 6}}, program.MatMul{}, "all dimensions but the last two must agree"},
		{"a product of terms that do not fit", []shape{{4, 6}, {5, 6}}, program.MatMul{}, "have 6 terms, columns of"},
		{"a product of terms that do not fit, transposed", []shape{{4, 6}, {6, 5}}, program.MatMul{TransB: true}, "have 6 terms, columns of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := make([]program.TensorSpec, len(c.inputs))
			for i, s := range c.inputs {
				in[i] = program.TensorSpec{Name: string(rune('p' + i)), Shape: s}
				if len(s) == 1 {
					in[i].Kind = kernels.I32
				}
			}
			_, err := program.Infer(c.op, in)
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.Of(err).Blames() == fault.Machine {
				t.Errorf("error %v of class %s, %q wanted", err, fault.Of(err), c.want)
			}
		})
	}
}
