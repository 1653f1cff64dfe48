package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

func (a *app) jobProgramCommand() *cobra.Command {
	g := group("program", "Write a program: a model and how it is trained",
		a.programMLPCommand(), a.programCNNCommand(), a.programGPTCommand(), a.programImportCommand(), a.programStepCommand())
	g.Long = `program writes the canonical JSON of a program, which job new signs: a model of a
known kind in the sizes given, its loss, optimizer, learning-rate schedule and
batch. Parameters are called as in PyTorch. The same flags give the same bytes.`
	g.Example = mlpExample
	return g
}

const (
	mlpExample = `  verifyd job program mlp --inputs 64 --hidden 96,48 --classes 10 --rate 0.1 \
      --momentum 0.9 --nesterov --schedule cosine --schedule-steps 400 --warmup 40 \
      --out program.json`
	cnnExample = `  verifyd job program cnn --in-channels 1 --height 8 --width 8 --channels 8,16 \
      --classes 10 --dropout 0.25 --optimizer adamw --weight-decay 0.01 --rate 0.02 \
      --clip-norm 1 --out program.json`
	gptExample = `  verifyd job program gpt --vocab 256 --context 64 --layers 2 --heads 4 --dim 64 \
      --optimizer adamw --beta2 0.95 --weight-decay 0.1 --rate 0.001 --clip-norm 1 \
      --batch-size 8 --accumulation 4 --out program.json`
)

func (a *app) programMLPCommand() *cobra.Command {
	var c program.MLPConfig
	var activation string
	cmd, r := a.programCommand("mlp --inputs N --classes N --rate R", "A multi-layer perceptron: net.0, net.1, ...", mlpExample, func() (program.Graph, error) {
		err := sizes(atLeast1("inputs", c.Inputs), atLeast1("classes", c.Classes), atLeast1("hidden", c.Hidden...))
		if err != nil {
			return program.Graph{}, err
		}
		if c.Activation, err = activationOf(activation); err != nil {
			return program.Graph{}, err
		}
		return program.MLP(c), nil
	})
	cmd.Long = `mlp writes the program of a multi-layer perceptron. It reads x as f32 of shape
(samples, inputs) and y as i32 of shape (samples), or with --loss mse as f32 of
shape (samples, classes).`
	f := cmd.Flags()
	f.IntVar(&c.Inputs, "inputs", 0, "width of a sample")
	f.IntSliceVar(&c.Hidden, "hidden", nil, "widths of the hidden layers, with commas; none if not given")
	f.IntVar(&c.Classes, "classes", 0, "width of the output")
	f.StringVar(&activation, "activation", program.ReLU{}.Kind(), "after each hidden layer: "+strings.Join(activationNames(), ", "))
	complete(cmd, "activation", activationNames()...)
	r.dropout(cmd, &c.Dropout, "after each activation")
	require(cmd, "inputs", "classes")
	return cmd
}

func (a *app) programCNNCommand() *cobra.Command {
	var c program.CNNConfig
	cmd, r := a.programCommand("cnn --height N --width N --channels N,... --classes N --rate R", "A convolutional classifier: conv1, conv2, ..., fc", cnnExample, func() (program.Graph, error) {
		err := sizes(atLeast1("in-channels", c.InChannels), atLeast1("height", c.Height), atLeast1("width", c.Width),
			atLeast1("channels", c.Channels...), atLeast1("classes", c.Classes))
		return program.CNN(c), err
	})
	cmd.Long = `cnn writes the program of 3x3 convolutions with padding 1, each with a ReLU, then
one 2x2 max pool and a linear layer. It reads x as f32 of shape (samples,
in-channels, height, width) and y as mlp does.`
	f := cmd.Flags()
	f.IntVar(&c.InChannels, "in-channels", 1, "channels of an image")
	f.IntVar(&c.Height, "height", 0, "height of an image, 2 or more")
	f.IntVar(&c.Width, "width", 0, "width of an image, 2 or more")
	f.IntSliceVar(&c.Channels, "channels", nil, "output channels of the convolutions, with commas")
	f.IntVar(&c.Classes, "classes", 0, "width of the output")
	r.dropout(cmd, &c.Dropout, "before the last layer")
	require(cmd, "height", "width", "channels", "classes")
	return cmd
}

func (a *app) programGPTCommand() *cobra.Command {
	var c program.GPTConfig
	cmd, r := a.programCommand("gpt --vocab N --context N --layers N --heads N --dim N --rate R", "A decoder of the GPT-2 kind: tok, pos, blocks.0, ..., head", gptExample, func() (program.Graph, error) {
		err := sizes(atLeast1("vocab", c.Vocab), atLeast1("context", c.Context), bounded{"layers", 1, program.MaxNodes, []int{c.Layers}}, atLeast1("heads", c.Heads),
			atLeast1("dim", c.Width), bounded{"hidden", 0, program.MaxElements, []int{c.Hidden}})
		if err == nil && c.Width%c.Heads != 0 {
			err = fmt.Errorf("--dim %d: want a multiple of --heads, %d", c.Width, c.Heads)
		}
		if err != nil {
			return program.Graph{}, err
		}
		return program.GPT(c), nil
	})
	cmd.Long = `gpt writes the program of a decoder with pre-normalised causal attention. It reads
x, token numbers, and y, the token that follows each, as i32 of shape (samples,
context).`
	f := cmd.Flags()
	f.IntVar(&c.Vocab, "vocab", 0, "number of tokens")
	f.IntVar(&c.Context, "context", 0, fmt.Sprintf("tokens of a sample, at most %d", program.MaxContext))
	f.IntVar(&c.Layers, "layers", 0, "number of blocks")
	f.IntVar(&c.Heads, "heads", 0, "attention heads of a block")
	f.IntVar(&c.Width, "dim", 0, "width of the residual stream, a multiple of --heads")
	f.IntVar(&c.Hidden, "hidden", 0, "width inside a block's perceptron; 0 for four times --dim")
	r.dropout(cmd, &c.Dropout, "after the embeddings and on both branches of a block")
	require(cmd, "vocab", "context", "layers", "heads", "dim")
	return cmd
}

// programCommand is a command that writes a program around the graph that its
// flags describe. Every refusal is one of the command line.
func (a *app) programCommand(use, short, example string, graph func() (program.Graph, error)) (*cobra.Command, *recipe) {
	r := new(recipe)
	cmd := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.NoArgs}
	cmd.RunE = a.runs(func(cmd *cobra.Command, _ []string) error {
		p, err := r.program(cmd)
		if err == nil {
			p.Graph, err = graph()
		}
		if err == nil {
			err = r.group(&p)
		}
		if err == nil {
			_, err = program.Compile(&p, kernels.ProfileF32)
		}
		if err != nil {
			return usageError{err}
		}
		return a.emitProgram(p.JSON(), r.out)
	})
	r.flags(cmd)
	return cmd, r
}

// emitProgram writes a program to a file and says what it takes, or writes its
// exact bytes to standard output.
func (a *app) emitProgram(data []byte, out string) error {
	if out == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	if err := writeNew(out, data, 0o644); err != nil {
		return err
	}
	it, err := inspectProgram(out, data)
	if err != nil {
		return err
	}
	return a.emit(it, func(w io.Writer) { it.text(w) })
}

func activationNames() []string {
	var names []string
	for _, op := range program.Activations() {
		names = append(names, op.Kind())
	}
	return names
}

func activationOf(name string) (program.Op, error) {
	for _, op := range program.Activations() {
		if op.Kind() == name {
			return op, nil
		}
	}
	return nil, fmt.Errorf("--activation %q: want one of %s", name, strings.Join(activationNames(), ", "))
}
