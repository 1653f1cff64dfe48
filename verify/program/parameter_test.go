package program_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// offset is a linear layer, behind a tensor that is added to the rows.
func offset(name string, op program.Op) program.Graph {
	return program.Graph{Nodes: []program.Node{
		{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{4}}},
		{Name: name, Op: op},
		{Name: "b", Op: program.Add{}, Inputs: []string{"x", name}},
		{Name: "c", Op: program.Linear{Out: 3, Bias: true}, Inputs: []string{"b"}},
	}}
}

func TestAConstantHasTheBitsOfTheProgram(t *testing.T) {
	values := program.Bits{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, 0.1, -math.MaxFloat32}
	p := plain(offset("k", program.ConstantTensor{Shape: []int{4}, Values: values}), 2)
	if text := string(p.JSON()); !strings.Contains(text, `"values":"80000000000000013dcccccdff7fffff"`) {
		t.Error(text)
	}
	again, err := program.Parse(p.JSON())
	must(t, err)
	m := initialised(t, again)
	if f := plan(t, p).Frozen(); len(f) != 1 || f[0].Name != "frozen/k" || !sameBits(m.Frozen()[0], values) {
		t.Errorf("%v: %v", f, m.Frozen())
	}
	must(t, m.Init(9))
	if !sameBits(m.Frozen()[0], values) {
		t.Error("a constant depends on the seed")
	}
	without, with := initialised(t, plain(offset("k", program.Parameter{Shape: []int{4}}), 2)), m
	must(t, without.Init(9))
	if len(without.Tensors()[1]) != len(with.Tensors()[0]) {
		t.Error("the first tensor that is trained is not the layer's weight")
	}
}

func TestAParameterIsTrainedUnderTheNameOfItsNode(t *testing.T) {
	p := plain(offset("blocks.0.gamma", program.Parameter{Shape: []int{4}, Value: 1e-5}), 2)
	m := initialised(t, p)
	if s := plan(t, p).Params()[0]; s.Name != "blocks.0.gamma" || m.Tensors()[0][3] != 1e-5 {
		t.Errorf("%v %v", s, m.Tensors()[0])
	}
	draw(m, 0, 3)
	_, err := m.Gradients(0)
	must(t, err)
	_, _, err = m.Update(0)
	must(t, err)
	if m.Tensors()[0][3] == 1e-5 {
		t.Error("a step does not move it")
	}
}

func TestTensorsThatAreTooManyOrNamelessOrAlikeAreRefused(t *testing.T) {
	many := strings.Repeat("00000000", 4097)
	for name, c := range map[string]struct{ node, want string }{
		"two tensors of one name": {`{"name":"c.weight","op":"parameter","attrs":{"shape":[4],"value":0,"std":0}}`, `two tensors are called "c.weight"`},
		"an input":                {`{"name":"p","op":"parameter","inputs":["x"],"attrs":{"shape":[4],"value":0,"std":0}}`, "1 given, 0 needed"},
		"a start that is none":    {`{"name":"p","op":"parameter","attrs":{"shape":[4],"value":1e39,"std":0}}`, "value"},
		"two starts":              {`{"name":"p","op":"parameter","attrs":{"shape":[4],"value":1,"std":1}}`, "std"},
		"no dimension":            {`{"name":"p","op":"parameter","attrs":{"shape":[],"value":0,"std":0}}`, "dimensions"},
		"an absurd shape":         {`{"name":"p","op":"parameter","attrs":{"shape":[2147483647,2],"value":0,"std":0}}`, "more than 2147483647 elements"},
		"a constant that is NaN":  {`{"name":"p","op":"constant","attrs":{"shape":[1],"values":"7fc00000"}}`, "number 0 is NaN"},
		"a digit too few":         {`{"name":"p","op":"constant","attrs":{"shape":[1],"values":"0000000"}}`, "8 lower-case hexadecimal digits"},
		"capital digits":          {`{"name":"p","op":"constant","attrs":{"shape":[1],"values":"3F800000"}}`, "8 lower-case hexadecimal digits"},
		"a number too few":        {`{"name":"p","op":"constant","attrs":{"shape":[2],"values":"3f800000"}}`, "1 numbers for shape [2]"},
		"too many numbers":        {`{"name":"p","op":"constant","attrs":{"shape":[4097],"values":"` + many + `"}}`, "at most 4096"},
		"no numbers":              {`{"name":"p","op":"constant","attrs":{"shape":[0],"values":""}}`, "values"},
	} {
		text := string(plain(offset("p", program.Parameter{Shape: []int{4}}), 1).JSON())
		text = strings.Replace(text, `{"name":"p","op":"parameter","attrs":{"shape":[4],"value":0,"std":0}}`, c.node, 1)
		if name := c.node[9:strings.Index(c.node, `","op"`)]; name != "p" {
			text = strings.Replace(text, `"inputs":["x","p"]`, fmt.Sprintf(`"inputs":["x",%q]`, name), 1)
		}
		_, err := program.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.Of(err) != fault.OutOfRange && fault.Of(err) != fault.TooLarge {
			t.Errorf("%s: %v, %q wanted", name, err, c.want)
		}
	}
	g := offset("k", program.ConstantTensor{Shape: []int{4}, Values: make(program.Bits, 4)})
	g.Frozen = []string{"k"}
	if _, err := program.Compile(plain(g, 1), kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), "is a constant") {
		t.Error(err)
	}
}
