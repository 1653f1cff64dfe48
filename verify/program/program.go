package program

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
)

// Version names the format and meaning of a program. Any change of either is a new version.
const Version = "verifyd-program/1"

// Limits of a program, whatever its file says.
const (
	MaxJSON         = 1 << 20 // bytes of a program file
	maxDepth        = 8       // nested objects and arrays of a program file
	maxText         = 512     // bytes of a decoding error
	MaxBatch        = 1 << 20 // rows of a micro-batch
	MaxAccumulation = 1 << 16 // micro-batches of a step
	MaxTensors      = 4096    // tensors of a state
	MaxMemory       = 1 << 36 // bytes of a plan's buffers
)

// what is the name of a program in errors, until its reader gives the file's.
const what = "program"

// Program is a model and how it is trained: a graph of a closed set of operators, a loss, an
// optimizer and a schedule. It holds no code and no data.
type Program struct {
	Version      string    `json:"version"`      // Version
	BatchSize    int       `json:"batch_size"`   // rows of one micro-batch
	Accumulation int       `json:"accumulation"` // micro-batches of one step
	Graph        Graph     `json:"graph"`
	Loss         Loss      `json:"loss"`
	Labels       *Labels   `json:"labels,omitempty"` // for MaskedCrossEntropy alone
	Optimizer    Optimizer `json:"optimizer"`
	Schedule     Schedule  `json:"schedule"`
	Groups       []Group   `json:"groups,omitempty"` // parameters that another optimizer moves; the one above moves the rest
	ClipNorm     float64   `json:"clip_norm"`        // largest global gradient norm; 0 does not clip
}

// Parse reads a program from its canonical JSON. Anything else is refused: unknown or repeated
// fields, another order or spacing, more than MaxJSON bytes, a graph that does not check.
func Parse(data []byte) (*Program, error) {
	if len(data) > MaxJSON {
		return nil, fault.New(fault.TooLarge, what, "", "%d bytes is above the limit %d", len(data), MaxJSON)
	}
	if err := checkDepth(data); err != nil {
		return nil, fault.In(what, err)
	}
	p := new(Program)
	if err := unmarshal(data, p); err != nil {
		return nil, fault.In(what, err)
	}
	if _, err := p.check(); err != nil {
		return nil, err
	}
	if again := p.JSON(); !bytes.Equal(again, data) {
		at := 0
		for at < min(len(again), len(data)) && again[at] == data[at] {
			at++
		}
		return nil, fault.New(fault.NotCanonical, what, "", "byte %d is not canonical: fields once each, in order, without spaces", at)
	}
	return p, nil
}

// JSON is the canonical encoding of a program that Compile accepts; nil if a number has no encoding.
func (p *Program) JSON() []byte {
	data, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	return data
}

// Digest is the SHA-256 of the canonical JSON.
func (p *Program) Digest() [32]byte { return sha256.Sum256(p.JSON()) }

// check refuses a program whose fields are outside their limits or whose graph does not fit
// together, and returns the walked graph.
func (p *Program) check() ([]Walked, error) {
	if p.Version != Version {
		return nil, fault.New(fault.UnknownVersion, what, "version", "%.64q, %q needed", p.Version, Version)
	}
	if err := errors.Join(
		within("batch_size", p.BatchSize, 1, MaxBatch),
		within("accumulation", p.Accumulation, 1, MaxAccumulation),
		nonNegative("clip_norm", p.ClipNorm),
		p.Optimizer.check(),
		p.Schedule.check(),
		p.checkGroups(),
	); err != nil {
		return nil, fault.In(what, err)
	}
	walked, err := p.Graph.Walk()
	if err != nil {
		return nil, fault.In(what, fault.Under("graph", err))
	}
	if err := checkTrained(walked); err != nil {
		return nil, fault.In(what, fault.Under("graph", err))
	}
	if err := p.join(walked); err != nil {
		return nil, fault.In(what, err)
	}
	for _, w := range walked {
		if _, err := elements(append([]int{p.Accumulation, p.BatchSize}, w.Output.Shape...)...); err != nil {
			return nil, fault.In(what, fault.Under(fmt.Sprintf("graph: nodes[%d] %q: output of a step", w.Index, w.Name), err))
		}
	}
	if _, err := p.Loss.labels(walked[len(walked)-1].Output); err != nil {
		return nil, fault.In(what, fault.Under("loss", err))
	}
	if err := p.checkLabels(); err != nil {
		return nil, fault.In(what, err)
	}
	return walked, nil
}

func outOfRange(field, format string, args ...any) error {
	return fault.New(fault.OutOfRange, "", field, format, args...)
}

// nonNegative refuses negative numbers, NaN and infinities beyond binary32.
func nonNegative(field string, v float64) error {
	if !(v >= 0 && v <= math.MaxFloat32) {
		return outOfRange(field, "%v is outside 0 to %v", v, math.MaxFloat32)
	}
	return nil
}

// unit refuses numbers outside [0, 1).
func unit(field string, v float64) error {
	if !(v >= 0 && v < 1) {
		return outOfRange(field, "%v is outside [0, 1)", v)
	}
	return nil
}

// unmarshal decodes one JSON value and refuses unknown fields and what follows it.
func unmarshal(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		err = fault.As(fault.BadForm, err)
		if text := err.Error(); len(text) > maxText { // it may quote the file
			return fault.New(fault.Of(err), "", "", "%s...", text[:maxText])
		}
		return err
	}
	if d.InputOffset() != int64(len(data)) {
		return fault.New(fault.BadLength, "", fmt.Sprintf("byte %d", d.InputOffset()), "something follows the end")
	}
	return nil
}

// checkDepth refuses JSON nested deeper than maxDepth before anything decodes it.
func checkDepth(data []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return fault.New(fault.BadForm, "", fmt.Sprintf("byte %d", i), "nested deeper than %d", maxDepth)
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return nil
}
