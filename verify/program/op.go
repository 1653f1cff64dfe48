package program

import (
	"encoding/json"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// Op is what a node computes, with its attributes. The set is closed: each implementation is a
// struct of this package and one page of it. Attributes speak of one sample; the batch is the
// program's.
type Op interface {
	// Kind is the operator's name in JSON.
	Kind() string

	// infer checks the attributes against the inputs, whose shapes are those of one sample, and
	// returns the output and the parameters in the order in which forward finds them.
	infer(in []TensorSpec) (out TensorSpec, params []param, err error)
	// forward emits the instructions that compute the node and returns the output's value.
	forward(c *compiler, n *node) value
	// backward emits the instructions that turn n.dy, the gradient of the output, into those of the
	// parameters (n.grads) and of the inputs that need one (compiler.contribute).
	backward(c *compiler, n *node)
}

// kind is a node kind: an operator without attributes set, and what decodes its attributes.
type kind struct {
	zero   Op
	decode func(json.RawMessage) (Op, error)
}

func of[T Op]() kind {
	var zero T
	return kind{zero, decode[T]}
}

// kinds decodes the attributes of every node kind, by its name.
var kinds = func() map[string]func(json.RawMessage) (Op, error) {
	all := map[string]func(json.RawMessage) (Op, error){}
	for _, k := range slices.Concat(activations, []kind{
		of[Add](), of[Attention](), of[ConstantTensor](), of[Parameter](), of[AvgPool2D](), of[BatchNorm](), of[Conv2D](), of[ConvTranspose2D](), of[GroupNorm](), of[LSTM](), of[Upsample2D](), of[Dropout](), of[Embedding](), of[Flatten](),
		of[Input](), of[LayerNorm](), of[Linear](), of[MaxPool2D](), of[Mul](), of[PositionEmbedding](), of[RMSNorm](), of[Softmax](),
		of[Clamp](), of[Concat](), of[ELU](), of[Expand](), of[HardSigmoid](), of[HardSwish](), of[HardTanh](), of[LeakyReLU](), of[Mean](), of[RandomCrop](),
		of[RandomFlip](), of[ReLU6](), of[Reshape](), of[RowDropout](), of[Scale](), of[Select](), of[Slice](), of[Softplus](), of[Sub](), of[Transpose](),
		of[MatMul](), of[Rope](),
	}) {
		all[k.zero.Kind()] = k.decode
	}
	return all
}()

// decode reads attributes, refusing unknown ones.
func decode[T Op](data json.RawMessage) (Op, error) {
	var op T
	if err := unmarshal(data, &op); err != nil {
		return nil, err
	}
	return op, nil
}

// param is a tensor of a node: the last part of its name (the node's own, if it is empty), its shape, and how it starts.
type param struct {
	name  string
	shape []int
	init  initial
}

// initial is how a parameter starts: a constant, or uniform in [-bound, bound) if bound is not 0, or the values, if there are any.
type initial struct {
	constant float32
	bound    float32
	values   []float32
}

// arity refuses a wrong number of inputs.
func arity(in []TensorSpec, want int) error {
	if len(in) != want {
		return outOfRange("inputs", "%d given, %d needed", len(in), want)
	}
	return nil
}

// floats refuses a wrong number of inputs and any input that is not f32.
func floats(in []TensorSpec, want int) error {
	if err := arity(in, want); err != nil {
		return err
	}
	for _, t := range in {
		if t.Kind != kernels.F32 {
			return outOfRange("", "input %q is %v, f32 needed", t.Name, t.Kind)
		}
	}
	return nil
}

// ranked refuses anything but one f32 input of the given number of dimensions.
func ranked(in []TensorSpec, rank int) error {
	if err := floats(in, 1); err != nil {
		return err
	}
	if len(in[0].Shape) != rank {
		return outOfRange("", "input %q has %d dimensions, %d needed", in[0].Name, len(in[0].Shape), rank)
	}
	return nil
}

// f32 is an unnamed f32 tensor.
func f32(shape ...int) TensorSpec { return TensorSpec{Kind: kernels.F32, Shape: shape} }
