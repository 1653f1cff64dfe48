package program

import "fmt"

// GPTConfig describes a decoder of the GPT-2 kind.
type GPTConfig struct {
	Vocab   int // token ids
	Context int // tokens of a row
	Width   int // of the residual stream; a multiple of Heads
	Layers  int
	Heads   int
	Hidden  int     // width inside a block's perceptron; 4*Width if 0
	Tied    bool    // whether the output layer's weight is the token embedding
	Dropout float64 // after the embeddings and on both branches of a block; none if 0
}

// gptStd is GPT-2's standard deviation of the initial weights.
const gptStd = 0.02

// gptEps is PyTorch's default for layer normalisation.
const gptEps = 1e-5

// GPT builds token and position embeddings (tok, pos), blocks of pre-normalised causal attention and
// GELU perceptron (blocks.N.ln1, qkv, proj, ln2, up, down), a last normalisation (lnf) and an
// output layer without bias (head). Labels are one token for each position.
func GPT(c GPTConfig) Graph {
	if c.Hidden == 0 {
		c.Hidden = 4 * c.Width
	}
	b := &builder{}
	drop := func(name string) {
		if c.Dropout > 0 {
			b.chain(name, Dropout{P: c.Dropout})
		}
	}
	b.add("x", Input{Type: I32, Shape: []int{c.Context}})
	b.chain("tok", Embedding{Vocab: c.Vocab, Dim: c.Width, Std: gptStd})
	b.chain("pos", PositionEmbedding{Std: gptStd})
	drop("drop")
	for i := range c.Layers {
		name := func(part string) string { return fmt.Sprintf("blocks.%d.%s", i, part) }
		linear := func(out int) Linear { return Linear{Out: out, Bias: true, Std: gptStd} }

		stream := b.last()
		b.chain(name("ln1"), LayerNorm{Eps: gptEps})
		b.chain(name("qkv"), linear(3*c.Width))
		b.chain(name("attn"), Attention{Heads: c.Heads, Causal: true})
		b.chain(name("proj"), linear(c.Width))
		drop(name("drop1"))
		stream = b.add(name("add1"), Add{}, stream, b.last())

		b.chain(name("ln2"), LayerNorm{Eps: gptEps})
		b.chain(name("up"), linear(c.Hidden))
		b.chain(name("gelu"), GELU{})
		b.chain(name("down"), linear(c.Width))
		drop(name("drop2"))
		b.add(name("add2"), Add{}, stream, b.last())
	}
	b.chain("lnf", LayerNorm{Eps: gptEps})
	b.chain("head", Linear{Out: c.Vocab, Std: gptStd})
	g := Graph{Nodes: b.nodes}
	if c.Tied {
		g.Tied = []Tie{{"head.weight", "tok.weight"}}
	}
	return g
}
