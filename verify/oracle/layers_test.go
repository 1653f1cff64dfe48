package oracle

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
)

// TestLayersAgreeWithFiniteDifferences checks the oracle itself: each of its layers, followed by a weighted
// sum, against central differences in float64.
func TestLayersAgreeWithFiniteDifferences(t *testing.T) {
	type nodes = []*gorgonia.Node
	plain := window{channels: 2, height: 6, width: 5, kernel: [2]int{3, 2}, stride: [2]int{1, 1}}
	strided := window{channels: 2, height: 6, width: 5, kernel: [2]int{3, 3}, stride: [2]int{2, 2}, pad: [2]int{1, 1}}
	pooled := window{channels: 2, height: 6, width: 4, kernel: [2]int{2, 2}, stride: [2]int{2, 2}}
	cases := []struct {
		name   string
		shapes [][2]int
		build  func(p *tape, in nodes) *gorgonia.Node
		out    [2]int
	}{
		{"linear", [][2]int{{4, 6}, {3, 6}, {1, 3}}, func(p *tape, in nodes) *gorgonia.Node { return p.linear(in[0], in[1], in[2], 4, 3) }, [2]int{4, 3}},
		{"relu", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.relu(in[0]) }, [2]int{3, 5}},
		{"tanh", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.tanh(in[0]) }, [2]int{3, 5}},
		{"sigmoid", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.sigmoid(in[0]) }, [2]int{3, 5}},
		{"silu", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.silu(in[0]) }, [2]int{3, 5}},
		{"gelu", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.gelu(in[0]) }, [2]int{3, 5}},
		{"gelu_tanh", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.geluTanh(in[0]) }, [2]int{3, 5}},
		{"softmax", [][2]int{{3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.softmax(in[0], 5) }, [2]int{3, 5}},
		{"layer_norm", [][2]int{{4, 6}, {1, 6}, {1, 6}}, func(p *tape, in nodes) *gorgonia.Node { return p.layerNorm(in[0], in[1], in[2], 4, 6, 1e-5) }, [2]int{4, 6}},
		{"rms_norm", [][2]int{{4, 6}, {1, 6}}, func(p *tape, in nodes) *gorgonia.Node { return p.rmsNorm(in[0], in[1], 4, 6, 1e-5) }, [2]int{4, 6}},
		{"embedding", [][2]int{{5, 3}}, func(p *tape, in nodes) *gorgonia.Node { return p.embedding([]int32{4, 0, 4, 2}, in[0], 5) }, [2]int{4, 3}},
		{"attention", [][2]int{{6, 12}}, func(p *tape, in nodes) *gorgonia.Node {
			return p.packed(in[0], attentionShape{2, 2, 2, 3, 3, 2, false, 0.7, nil})
		}, [2]int{6, 4}},
		{"causal attention", [][2]int{{6, 12}}, func(p *tape, in nodes) *gorgonia.Node {
			return p.packed(in[0], attentionShape{2, 2, 2, 3, 3, 2, true, 0.7, nil})
		}, [2]int{6, 4}},
		{"shared heads of masked keys", [][2]int{{6, 4}, {8, 2}, {8, 2}}, func(p *tape, in nodes) *gorgonia.Node {
			return p.sdpa(in[0], in[1], in[2], attentionShape{2, 2, 1, 3, 4, 2, false, 0.7, []int32{1, 0, 1, 1, 1, 1, 0, 0}})
		}, [2]int{6, 4}},
		{"conv2d", [][2]int{{2, 60}, {3, 12}, {1, 3}}, func(p *tape, in nodes) *gorgonia.Node { return p.conv2d(in[0], in[1], in[2], 2, 3, plain) }, [2]int{2, 48}},
		{"conv2d, stride and padding", [][2]int{{2, 60}, {3, 18}, {1, 3}}, func(p *tape, in nodes) *gorgonia.Node { return p.conv2d(in[0], in[1], in[2], 2, 3, strided) }, [2]int{2, 27}},
		{"max_pool2d", [][2]int{{2, 48}}, func(p *tape, in nodes) *gorgonia.Node { return p.maxPool2d(in[0], 2, pooled) }, [2]int{2, 12}},
		{"max_pool2d, overlapping", [][2]int{{2, 60}}, func(p *tape, in nodes) *gorgonia.Node { return p.maxPool2d(in[0], 2, plain) }, [2]int{2, 32}},
		{"avg_pool2d", [][2]int{{2, 60}}, func(p *tape, in nodes) *gorgonia.Node { return p.avgPool2d(in[0], 2, strided) }, [2]int{2, 18}},
		{"add, an input used twice", [][2]int{{3, 5}, {3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.add(p.add(in[0], in[1]), in[0]) }, [2]int{3, 5}},
		{"sub, an input used twice", [][2]int{{3, 5}, {3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.sub(p.sub(in[0], in[1]), in[0]) }, [2]int{3, 5}},
		{"cross_entropy", [][2]int{{4, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.crossEntropy(in[0], []int32{0, 4, 2, 2}, 5) }, [2]int{}},
		{"mse", [][2]int{{3, 5}, {3, 5}}, func(p *tape, in nodes) *gorgonia.Node { return p.mse(in[0], in[1], 15) }, [2]int{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var in [][]float64
			for _, s := range c.shapes {
				in = append(in, normal(r, s[0]*s[1]))
			}
			weights := normal(r, c.out[0]*c.out[1])
			build := func() (*tape, *gorgonia.Node, gorgonia.Nodes) {
				p := newTape()
				var nodes gorgonia.Nodes
				for i, s := range c.shapes {
					nodes = append(nodes, p.value(in[i], s[0], s[1]))
				}
				y := c.build(p, nodes)
				if len(weights) > 0 {
					y = p.total(p.times(y, p.value(weights, c.out[0], c.out[1])))
				}
				return p, y, nodes
			}
			p, cost, nodes := build()
			_, grads, err := p.run(cost, nodes)
			if err != nil {
				t.Fatal(err)
			}
			const step = 1e-6
			for k := range in {
				for i, v := range in[k] {
					var side [2]float64
					for s, d := range []float64{-step, step} {
						in[k][i] = v + d
						p, cost, _ := build()
						if side[s], _, err = p.run(cost, nil); err != nil {
							t.Fatal(err)
						}
					}
					in[k][i] = v
					if d := (side[1] - side[0]) / (2 * step); !(math.Abs(d-grads[k][i]) <= 1e-7*(1+math.Abs(d))) {
						t.Errorf("input %d, element %d: derivative %g, differences %g", k, i, grads[k][i], d)
					}
				}
			}
		})
	}
}

func normal(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return v
}
