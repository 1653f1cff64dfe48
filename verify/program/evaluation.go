package program

import "github.com/verifyd/verifyd/kernels"

// Evaluation is where the parts of an evaluation lie in a memory: the first word of each. Several evaluations
// that follow one another may share any of them.
type Evaluation struct {
	X, Y    int // InputWords words with the inputs at Inputs, and the labels
	Params  int // ParameterWords words with the parameters at Parameters
	Rest    int // RestWords words with the buffers and the frozen tensors at Rest
	Scratch int // EvaluationWords words of any content
}

// Inputs are each input's words in a block of InputWords, in the order of Rows.
func (p *Plan) Inputs() []kernels.Range {
	var all []kernels.Range
	at := 0
	for _, t := range p.rows[:len(p.rows)-1] {
		all = append(all, kernels.Range{Offset: at, Words: t.Len()})
		at += padded(t.Len())
	}
	return all
}

// InputWords is the size of all inputs, with padding between them.
func (p *Plan) InputWords() int {
	all := p.Inputs()
	last := all[len(all)-1]
	return last.Offset + last.Words
}

// Rest are each buffer's and then each frozen tensor's words in a block of RestWords.
func (p *Plan) Rest() []kernels.Range {
	return append(p.kept.split(kernels.Range{}), p.frozen.split(kernels.Range{Offset: p.kept.words})...)
}

// RestWords is the size of all buffers and frozen tensors with their padding, on which nothing depends.
func (p *Plan) RestWords() int { return p.kept.words + p.frozen.words }

// Parameters are each trained parameter's words in a block of ParameterWords.
func (p *Plan) Parameters() []kernels.Range {
	return p.trained.split(kernels.Range{})
}

// ParameterWords is the size of all parameters with their padding, on which nothing depends.
func (p *Plan) ParameterWords() int { return p.trained.words }

// EvaluationWords is the size of what an evaluation works in.
func (p *Plan) EvaluationWords() int {
	return align + padded(p.eval.size[kernels.F32]) + padded(p.eval.size[kernels.I32])
}

// Evaluation lists what computes the outputs of a batch without dropout: those of a Machine's Evaluate. They lie in
// the scratch memory. Of a plan that accumulates it is the first micro-batch.
func (p *Plan) Evaluation(at Evaluation) (calls []kernels.Call, outputs kernels.Range) {
	floats := at.Scratch + align // behind the loss
	integers := floats + padded(p.eval.size[kernels.F32])
	find := func(b buffer) kernels.Range {
		from := at.Scratch
		switch b.space {
		case inputs:
			from = at.X
		case labels:
			from = at.Y
		case parameter:
			from = at.Params
		case buffers:
			from = at.Rest
		case fixed:
			from = at.Rest + p.kept.words
		case arena:
			if from = floats; b.kind == kernels.I32 {
				from = integers
			}
		}
		return kernels.Range{Offset: from + b.offset, Words: b.n}
	}
	for _, ins := range p.eval.code {
		if ins.when == later {
			continue
		}
		c := kernels.Call{Op: ins.op}
		for _, v := range ins.bufs {
			c.Operands = append(c.Operands, find(p.eval.buffers[v]))
		}
		calls = append(calls, c)
	}
	return calls, find(p.eval.buffers[p.eval.logits])
}
