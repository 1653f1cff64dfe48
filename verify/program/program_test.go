package program_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

func TestAProgramIsReadBackFromItsJSON(t *testing.T) {
	all := small()
	for name, nodes := range differentiable() {
		all[name] = &program.Program{Version: program.Version, BatchSize: 1, Accumulation: 1, Graph: program.Graph{Nodes: nodes}, Loss: program.MSE,
			Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Exponential, Rate: 0.1, Factor: 0.99}}
	}
	for name, p := range all {
		data := p.JSON()
		q, err := program.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again := q.JSON(); !bytes.Equal(again, data) || q.Digest() != p.Digest() {
			t.Errorf("%s: written again as\n%s\nread from\n%s", name, again, data)
		}
	}
}

// canonical is a program in its canonical form.
const canonical = `{"version":"verifyd-program/1","batch_size":2,"accumulation":1,"graph":{"nodes":[` +
	`{"name":"x","op":"input","attrs":{"type":"f32","shape":[3]}},` +
	`{"name":"a","op":"linear","inputs":["x"],"attrs":{"out":4,"bias":true,"std":0}},` +
	`{"name":"b","op":"relu","inputs":["a"],"attrs":{}}]},` +
	`"loss":"cross_entropy","optimizer":{"kind":"sgd","momentum":0.9},"schedule":{"kind":"constant","rate":0.1},"clip_norm":0}`

// The digest names the program in jobs that are already signed. It changes only with Version.
func TestTheDigestOfAProgramIsFixed(t *testing.T) {
	p, err := program.Parse([]byte(canonical))
	must(t, err)
	d := p.Digest()
	const want = "2e7d439ae8cecfb248c248e26c8c2481a2beb89aaf8ee2fc36e88cea2121343d"
	if got := hex.EncodeToString(d[:]); got != want {
		t.Errorf("digest %s, %s wanted", got, want)
	}
}

// edit replaces one part of the canonical program.
func edit(old, new string) string {
	if !strings.Contains(canonical, old) {
		return "no such part: " + old
	}
	return strings.Replace(canonical, old, new, 1)
}

func TestBadJSONIsRefusedWithItsFieldAndLimit(t *testing.T) {
	relus := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"name":"n%d","op":"relu","inputs":["b"],"attrs":{}}`, i)
		}
		return b.String()
	}
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "EOF"},
		{"truncated", canonical[:len(canonical)-9], "unexpected EOF"},
		{"too long", canonical + strings.Repeat(" ", program.MaxJSON), "above the limit 1048576"},
		{"too deep", edit(`"std":0`, `"std":`+strings.Repeat("[", 9)+strings.Repeat("]", 9)), "nested deeper than 8"},
		{"too deep to read", strings.Repeat("[", 1<<20), "byte 8: nested deeper than 8"},
		{"something after it", canonical + "{}", "something follows"},
		{"a line end after it", canonical + "\n", "something follows"},
		{"spaces", edit(`"loss":`, `"loss": `), "not canonical"},
		{"another order", edit(`"out":4,"bias":true`, `"bias":true,"out":4`), "not canonical"},
		{"another case", edit(`"loss":`, `"Loss":`), "not canonical"},
		{"another spelling of a number", edit(`0.9`, `9e-1`), "not canonical"},
		{"an escape", edit(`"sgd"`, `"\u0073gd"`), "not canonical"},
		{"a field twice", edit(`"clip_norm":0`, `"clip_norm":0,"clip_norm":0`), "not canonical"},
		{"a zero that is left out", edit(`"momentum":0.9`, `"momentum":0.9,"dampening":0`), "not canonical"},
		{"a missing field", edit(`,"clip_norm":0`, ``), "not canonical"},
		{"null", "null", "version"},
		{"null attributes", edit(`"attrs":{}`, `"attrs":null`), "not canonical"},
		{"no attributes", edit(`,"attrs":{}`, ``), "node \"b\": attrs"},
		{"an unknown field", edit(`"clip_norm":0`, `"clip_norm":0,"code":""`), `unknown field "code"`},
		{"a long unknown field", edit(`"clip_norm":0`, `"clip_norm":0,"`+strings.Repeat("c", 1<<19)+`":""`), `unknown field "ccc`},
		{"an unknown attribute", edit(`"std":0`, `"std":0,"mean":0`), `node "a": attrs: json: unknown field "mean"`},
		{"an unknown operator", edit(`"relu"`, `"exec"`), `node "b": op: "exec"`},
		{"another version", edit(`program/1`, `program/2`), `version: "verifyd-program/2"`},
		{"no rows", edit(`"batch_size":2`, `"batch_size":0`), "batch_size: 0 is outside 1 to 1048576"},
		{"too many rows", edit(`"batch_size":2`, `"batch_size":1048577`), "batch_size: 1048577 is outside"},
		{"too many micro-batches", edit(`"accumulation":1`, `"accumulation":65537`), "accumulation: 65537 is outside 1 to 65536"},
		{"a number that is not an integer", edit(`"batch_size":2`, `"batch_size":2.5`), "batch_size"},
		{"a number beyond integers", edit(`"out":4`, `"out":99999999999999999999`), "out"},
		{"a dimension beyond the limit", edit(`"out":4`, `"out":2147483648`), `nodes[1] "a": out: 2147483648 is outside 1 to 2147483647`},
		{"a negative dimension", edit(`"shape":[3]`, `"shape":[-3]`), `nodes[0] "x": output: dimension 0: -3 is outside`},
		{"a shape that overflows", edit(`"shape":[3]`, `"shape":[2147483647,2147483647,2147483647]`), "has more than 2147483647 elements"},
		{"parameters that overflow", edit(`"out":4`, `"out":1000000000`), "weight: shape [1000000000 3] has more than"},
		{"a step that overflows", edit(`"shape":[3]`, `"shape":[2147483647]`), "nodes[1] \"a\": weight: shape"},
		{"too many dimensions", edit(`"shape":[3]`, `"shape":[1,1,1,1,1,1,1,1,3]`), "shape: dimensions: 9 is outside 1 to 8"},
		{"too many nodes", edit(`]},"loss"`, relus(program.MaxNodes)+`]},"loss"`), "nodes: 4099 is outside 2 to 4096"},
		{"no nodes", edit(`{"name":"a"`, `{"name":"x"`), "name: used twice"},
		{"a name with a slash", edit(`"name":"a"`, `"name":"../a"`), "name: byte 2 is not"},
		{"a name that is too long", edit(`"name":"b"`, `"name":"`+strings.Repeat("b", 129)+`"`), "name: 129 bytes is outside 1 to 128"},
		{"an input that comes later", edit(`"inputs":["x"]`, `"inputs":["b"]`), `no earlier node is called "b"`},
		{"too many inputs", edit(`"inputs":["a"]`, `"inputs":["a","a"]`), "inputs: 2 given, 1 needed"},
		{"a result that is not used", edit(`"inputs":["a"]`, `"inputs":["x"]`), `nodes[1] "a": its result is not used`},
		{"tokens where values belong", edit(`"f32"`, `"i32"`), `input "x" is i32, f32 needed`},
		{"an unknown type", edit(`"f32"`, `"f64"`), `"f64" is neither`},
		{"an unknown loss", edit(`cross_entropy`, `hinge`), `loss: "hinge"`},
		{"an unknown optimizer", edit(`"sgd"`, `"lion"`), `optimizer: kind: "lion"`},
		{"momentum of one", edit(`0.9`, `1`), "momentum: 1 is outside [0, 1)"},
		{"betas for sgd", edit(`"momentum":0.9`, `"momentum":0.9,"beta1":0.9`), "belong to adam"},
		{"adam without eps", edit(`"kind":"sgd","momentum":0.9`, `"kind":"adam","beta1":0.9,"beta2":0.999`), "eps: 0 is outside"},
		{"a negative rate", edit(`"rate":0.1`, `"rate":-0.1`), "rate: -0.1 is outside"},
		{"a rate beyond binary32", edit(`"rate":0.1`, `"rate":1e39`), "rate: 1e+39 is outside"},
		{"an unknown schedule", edit(`"constant"`, `"random"`), `schedule: kind: "random"`},
		{"a decay without an end", edit(`"constant"`, `"cosine"`), "steps: 0 must be above warmup or ramp, 0"},
		{"two warm-ups", edit(`"rate":0.1`, `"rate":0.1,"warmup":2,"ramp":2`), "warmup and ramp: one of them"},
		{"a ramp from below zero", edit(`"rate":0.1`, `"rate":0.1,"ramp":2,"from":-0.5`), "from: -0.5 is outside 0 to 1"},
		{"a ramp from above the rate", edit(`"rate":0.1`, `"rate":0.1,"ramp":2,"from":1.5`), "from: 1.5 is outside 0 to 1"},
		{"a start of no ramp", edit(`"rate":0.1`, `"rate":0.1,"from":0.5`), "from belongs to ramp"},
		{"a ramp beyond all steps", edit(`"rate":0.1`, `"rate":0.1,"ramp":4294967297`), "warmup, ramp, steps and every are at most 4294967296"},
		{"a decay that ends with its ramp", edit(`"kind":"constant","rate":0.1`, `"kind":"linear","rate":0.1,"ramp":9,"steps":9`), "steps: 9 must be above warmup or ramp, 9"},
		{"a negative clip", edit(`"clip_norm":0`, `"clip_norm":-1`), "clip_norm: -1 is outside"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := program.Parse([]byte(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, %q wanted", err, c.want)
			}
			if class := fault.Of(err); class.Blames() == fault.Machine {
				t.Errorf("%v is of class %s, which blames this machine", err, class)
			}
			if p != nil {
				t.Error("a program was returned")
			}
			if err != nil && len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestAGraphThatDoesNotFitTogetherIsRefused(t *testing.T) {
	image := program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 5, 6}}}
	tokens := program.Node{Name: "x", Op: program.Input{Type: program.I32, Shape: []int{4}}}
	pair := [2]int{1, 1}
	for _, c := range []struct {
		name  string
		first program.Node
		op    program.Op
		want  string
	}{
		{"a kernel larger than its image", image, program.Conv2D{Out: 1, Kernel: [2]int{8, 1}, Stride: pair}, "kernel[0]: 8 is above the padded input's 5"},
		{"no stride", image, program.Conv2D{Out: 1, Kernel: pair}, "stride[0]: 0 is outside 1 to 32768"},
		{"negative padding", image, program.Conv2D{Out: 1, Kernel: pair, Stride: pair, Padding: [2]int{0, -1}}, "padding[1]: -1 is outside"},
		{"no filters", image, program.Conv2D{Kernel: pair, Stride: pair}, "out: 0 is outside"},
		{"a pool of padding", image, program.MaxPool2D{Kernel: pair, Stride: pair, Padding: pair}, "padding[0]: 1 is above half of kernel[0], 1"},
		{"an average of padding", image, program.AvgPool2D{Kernel: [2]int{3, 3}, Stride: pair, Padding: [2]int{1, 2}}, "padding[1]: 2 is above half of kernel[1], 3"},
		{"an image of padding", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{1, 1, 1 << 20}}},
			program.Conv2D{Out: 1, Kernel: [2]int{1 << 15, 1}, Stride: [2]int{1 << 15, 1}, Padding: [2]int{1 << 15, 0}}, "padded image has more than 268435456 elements"},
		{"attention over too many positions", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{1<<15 + 1, 3}}},
			program.Attention{Heads: 1}, "context: 32769 is outside 1 to 32768"},
		{"attention on an image", image, program.Attention{Heads: 1}, "has 3 dimensions, 2 needed"},
		{"positions of an image", image, program.PositionEmbedding{}, "has 3 dimensions, 2 needed"},
		{"an embedding of values", image, program.Embedding{Vocab: 2, Dim: 2}, `input "x" is f32, i32 needed`},
		{"an embedding of nothing", tokens, program.Embedding{Dim: 2}, "vocab: 0 is outside"},
		{"tokens in arithmetic", tokens, program.Tanh{}, `input "x" is i32, f32 needed`},
		{"dropout of everything", image, program.Dropout{P: 1}, "p: 1 is outside [0, 1)"},
		{"no eps", image, program.LayerNorm{}, "eps: 0 is outside"},
		{"a reshape that adds elements", image, program.Reshape{Shape: []int{2, 31}}, "shape: [2 31] has 62 elements, input \"x\" has 60"},
		{"a reshape of no dimensions", image, program.Reshape{}, "shape: dimensions: 0 is outside 1 to 8"},
		{"a reshape that overflows", image, program.Reshape{Shape: []int{1 << 30, 1 << 30, 1 << 30, 1 << 30}}, "more than 2147483647 elements"},
		{"a reshape with a negative dimension", image, program.Reshape{Shape: []int{-6, -10}}, "dimension 0: -6 is outside"},
		{"a reshape of tokens", tokens, program.Reshape{Shape: []int{2, 2}}, `input "x" is i32, f32 needed`},
		{"a transpose of too few axes", image, program.Transpose{Perm: []int{1, 0}}, "perm: 2 axes given, input \"x\" has 3"},
		{"a transpose that names an axis twice", image, program.Transpose{Perm: []int{0, 1, 1}}, "perm[2]: axis 1 is given twice"},
		{"a transpose of an axis that is not", image, program.Transpose{Perm: []int{0, 1, 3}}, "perm[2]: 3 is outside 0 to 2"},
		{"a transpose of too many axes", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 2, 2, 2, 2, 2, 2}}},
			program.Transpose{Perm: []int{6, 5, 4, 3, 2, 1, 0}}, "perm: more than 6 groups of axes part"},
		{"an empty slice", image, program.Slice{Axis: 1, Start: 2, Stop: 2, Step: 1}, "stop: 2 is outside 3 to 5"},
		{"a slice past the end", image, program.Slice{Axis: 1, Start: 2, Stop: 6, Step: 1}, "stop: 6 is outside 3 to 5"},
		{"a slice before the start", image, program.Slice{Axis: 1, Start: -1, Stop: 2, Step: 1}, "start: -1 is outside 0 to 4"},
		{"a slice without a step", image, program.Slice{Axis: 1, Stop: 2}, "step: 0 is outside 1 to"},
		{"a slice of an axis that is not", image, program.Slice{Axis: 3, Stop: 2, Step: 1}, "axis: 3 is outside 0 to 2"},
		{"a place past the end", image, program.Select{Axis: 2, Index: 6}, "index: 6 is outside 0 to 5"},
		{"a place of the only axis", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{4}}}, program.Select{}, "has 1 dimension, at least 2 needed"},
		{"a concat of one", image, program.Concat{}, "inputs: 1 is outside 2 to 64"},
		{"an expansion of more than one element", image, program.Expand{Shape: []int{4, 5, 6}}, "shape[0]: 2 elements cannot become 4"},
		{"an expansion to more axes", image, program.Expand{Shape: []int{1, 2, 5, 6}}, "shape: 4 dimensions given, input \"x\" has 3"},
		{"an expansion that overflows", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{1, 1, 1}}},
			program.Expand{Shape: []int{1 << 20, 1 << 20, 1 << 20}}, "more than 2147483647 elements"},
		{"a sum of one", image, program.Add{}, "inputs: 1 given, 2 needed"},
		{"a factor beyond binary32", image, program.Scale{Factor: 1e39}, "factor: 1e+39 is outside"},
		{"a shift that is no number", image, program.Scale{Factor: 1, Shift: math.NaN()}, "shift: NaN is outside"},
		{"a mean over nothing", image, program.Mean{}, "axes: number: 0 is outside 1 to 3"},
		{"a mean over an axis twice", image, program.Mean{Axes: []int{1, 1}}, "axes[1]: 1 is outside 2 to 2"},
		{"a mean that leaves no axis", image, program.Mean{Axes: []int{0, 1, 2}}, "axes: all 3 axes of input \"x\" would disappear"},
		{"bounds in the wrong order", image, program.Clamp{Min: 1, Max: 0}, "min: 1 is above max, 0"},
		{"a bound that is no number", image, program.HardTanh{Min: math.NaN()}, "min: NaN is outside"},
		{"an infinite slope", image, program.LeakyReLU{Slope: math.Inf(1)}, "slope: +Inf is outside"},
		{"an infinite alpha", image, program.ELU{Alpha: math.Inf(-1)}, "alpha: -Inf is outside"},
		{"a depth of nothing", image, program.RowDropout{P: 1}, "p: 1 is outside [0, 1)"},
		{"a crop larger than its image", image, program.RandomCrop{Padding: 4, Size: [2]int{5, 7}}, "size[1]: 7 is outside 1 to 6"},
		{"a crop of a negative border", image, program.RandomCrop{Padding: -1, Size: [2]int{5, 6}}, "padding: -1 is outside"},
		{"a crop of tokens", tokens, program.RandomCrop{Size: [2]int{1, 1}}, `input "x" is i32, f32 needed`},
		{"a certain flip", image, program.RandomFlip{P: 1}, "p: 1 is outside [0, 1)"},
		{"a group that does not divide", image, program.Conv2D{Out: 3, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 2}, "groups: 2 does not divide 2 channels and 3 filters"},
		{"more groups than channels", image, program.Conv2D{Out: 4, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 4}, "groups: 4 is outside 2 to 2"},
		{"one group, written down", image, program.Conv2D{Out: 4, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 1}, "groups: 1 is outside 2 to 2"},
		{"a dilation of one, written down", image, program.Conv2D{Out: 4, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}, "dilation: [1,1] must be left out"},
		{"a dilation in one direction alone", image, program.Conv2D{Out: 4, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{2, 0}}, "dilation[1]: 0 is outside 1 to 32768"},
		{"taps that span more than a limit", image, program.Conv2D{Out: 4, Kernel: [2]int{1 << 15, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1 << 15, 1}}, "dilation[0]: 32768 taps span 1073709057, above the limit 32768"},
		{"taps beyond the image", image, program.Conv2D{Out: 4, Kernel: [2]int{3, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{3, 1}}, "kernel[0]: 7 is above the padded input's 5"},
		{"an output padding of a stride", image, program.ConvTranspose2D{Out: 4, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, OutputPadding: [2]int{0, 2}}, "output_padding[1]: 2 is outside 0 to 1"},
		{"a padding that leaves nothing", image, program.ConvTranspose2D{Out: 4, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Padding: [2]int{3, 0}}, "padding[0]: 3 leaves nothing of the output"},
		{"a stride beyond all memory", image, program.ConvTranspose2D{Out: 1, Kernel: [2]int{1, 1}, Stride: [2]int{1 << 15, 1 << 15}}, "the padded image has more than 268435456 elements"},
		{"filters that a stride spreads over a large image", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{1, 1 << 14, 1 << 14}}},
			program.Conv2D{Out: 64, Kernel: [2]int{1, 1}, Stride: [2]int{128, 128}}, "stride: 64 filters on an image of 16384 x 16384 have more than 268435456 places"},
		{"a stride of none, transposed", image, program.ConvTranspose2D{Out: 1, Kernel: [2]int{1, 1}}, "stride[0]: 0 is outside 1 to 32768"},
		{"groups of a transposed convolution", image, program.ConvTranspose2D{Out: 3, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Groups: 2}, "groups: 2 does not divide 2 channels and 3 filters"},
		{"a batch norm without an eps", image, program.BatchNorm{Momentum: 0.1}, "eps: 0 is outside"},
		{"a batch norm with a momentum above one", image, program.BatchNorm{Eps: 1e-5, Momentum: 1.5}, "momentum: 1.5 is outside 0 to 1"},
		{"a batch norm whose momentum is no number", image, program.BatchNorm{Eps: 1e-5, Momentum: math.NaN()}, "momentum: NaN is outside 0 to 1"},
		{"a batch norm of tokens", tokens, program.BatchNorm{Eps: 1e-5, Momentum: 0.1}, `input "x" is i32, f32 needed`},
		{"a group norm without groups", image, program.GroupNorm{Eps: 1e-5}, "groups: 0 is outside 1 to 2"},
		{"a group norm whose groups do not divide", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{3, 4}}}, program.GroupNorm{Eps: 1e-5, Groups: 2}, "groups: 2 does not divide 3 channels"},
		{"an unknown way to resample", image, program.Upsample2D{Size: [2]int{4, 4}, Mode: "cubic"}, `mode: "cubic" is neither nearest nor bilinear`},
		{"a nearest that aligns corners", image, program.Upsample2D{Size: [2]int{4, 4}, Mode: program.Nearest, AlignCorners: true}, "align_corners: only bilinear can"},
		{"a resampling to nothing", image, program.Upsample2D{Size: [2]int{4, 0}, Mode: program.Nearest}, "size[1]: 0 is outside 1 to 16384"},
		{"a resampling to too much", image, program.Upsample2D{Size: [2]int{1<<14 + 1, 4}, Mode: program.Bilinear}, "size[0]: 16385 is outside 1 to 16384"},
		{"an lstm of images", image, program.LSTM{Hidden: 3}, `input "x" has 3 dimensions, 2 needed`},
		{"an lstm of nothing", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{4, 5}}}, program.LSTM{}, "hidden: 0 is outside 1 to"},
		{"an lstm of endless sequences", program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2049, 5}}}, program.LSTM{Hidden: 1}, `input "x" has 2049 steps, at most 2048`},
		{"an operator that is missing", image, nil, "op: missing"},
		{"a second input", image, program.Input{Type: program.F32, Shape: []int{1}}, "1 given, 0 needed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &program.Program{Version: program.Version, BatchSize: 1, Accumulation: 1, Loss: program.MSE,
				Graph:     program.Graph{Nodes: []program.Node{c.first, {Name: "n", Op: c.op, Inputs: []string{"x"}}}},
				Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant}}
			if _, err := program.Compile(p, kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), c.want) || fault.Of(err).Blames() == fault.Machine {
				t.Errorf("error %v of class %s, %q wanted", err, fault.Of(err), c.want)
			}
		})
	}
}

// A gradient that reaches an augmentation would be lost.
func TestAnAugmentationBehindALayerIsRefused(t *testing.T) {
	for _, op := range []program.Op{program.RandomCrop{Size: [2]int{2, 2}}, program.RandomFlip{P: 0.5}} {
		p := augmented(
			program.Node{Name: "a", Op: program.Linear{Out: 6}, Inputs: []string{"x"}},
			program.Node{Name: "b", Op: op, Inputs: []string{"a"}})
		if _, err := program.Compile(p, kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), `nodes[2] "b": inputs: "a" is neither the input nor an augmentation of it`) {
			t.Errorf("%s: %v", op.Kind(), err)
		}
	}
}

func TestShapesThatDoNotMeetAreRefusedWithBothNames(t *testing.T) {
	image := program.Node{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{2, 5, 6}}}
	for _, c := range []struct {
		other, op program.Op
		want      string
	}{
		{program.Flatten{}, program.Add{}, `"x" has shape [2 5 6], "y" has [60]: each axis must have the same size, or 1`},
		{program.Slice{Axis: 1, Stop: 2, Step: 1}, program.Mul{}, `"x" has shape [2 5 6], "y" has [2 2 6]: each axis`},
		{program.Slice{Axis: 1, Stop: 2, Step: 1}, program.Sub{}, `"x" has shape [2 5 6], "y" has [2 2 6]: each axis`},
		{program.Slice{Axis: 1, Stop: 2, Step: 1}, program.Concat{}, `inputs[1]: "y" has shape [2 2 6], "x" has [2 5 6]`},
		{program.Flatten{}, program.Concat{}, `inputs[1]: "y" has shape [60], "x" has [2 5 6]`},
	} {
		g := program.Graph{Nodes: []program.Node{image, {Name: "y", Op: c.other, Inputs: []string{"x"}}, {Name: "z", Op: c.op, Inputs: []string{"x", "y"}}}}
		if _, err := g.Walk(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %q wanted", c.op.Kind(), err, c.want)
		}
	}
}

func TestAPlanBeyondTheMemoryLimitIsRefused(t *testing.T) {
	p := *small()["mlp"]
	p.BatchSize, p.Accumulation = 1, 1
	p.Graph = program.MLP(program.MLPConfig{Inputs: 40000, Hidden: []int{50000, 40000, 50000}, Classes: 2})
	if _, err := program.Compile(&p, kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), "above the limit 68719476736") {
		t.Errorf("error %v", err)
	}
}

func TestAProgramWithoutParametersIsRefused(t *testing.T) {
	p := *small()["mlp"]
	p.Graph = program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{4}}}, {Name: "y", Op: program.Tanh{}, Inputs: []string{"x"}}}}
	if _, err := program.Compile(&p, kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), "0 tensors in its state") {
		t.Errorf("error %v", err)
	}
}

func TestAProgramIsCompiledInAKnownProfileOnly(t *testing.T) {
	for _, p := range []kernels.Profile{0, 200} {
		if _, err := program.Compile(small()["mlp"], p); !errors.Is(err, kernels.ErrProfile) {
			t.Errorf("profile %v: %v", p, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(canonical))
	for _, p := range taped() {
		f.Add(p.JSON())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := program.Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(p.JSON(), data) {
			t.Error("a program that was read is written with other bytes")
		}
		if plan, err := program.Compile(p, kernels.ProfileF32); err == nil && plan.MemoryBytes() > program.MaxMemory {
			t.Error("a plan is above the memory limit")
		}
	})
}
