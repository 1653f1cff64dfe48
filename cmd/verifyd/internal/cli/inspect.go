package cli

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/trace"
)

// maxListed bounds the files of a folder that are listed.
const maxListed = 1000

// item is what a file turned out to be.
type item struct {
	File     string          `json:"file"`
	What     string          `json:"what"`
	Document json.RawMessage `json:"document,omitempty"`
	Tensors  []tensor        `json:"tensors,omitempty"`
	Program  *programSize    `json:"program,omitempty"`
	Leaves   *leafFile       `json:"leaves,omitempty"`
}

// leafFile is a trace's leaf file.
type leafFile struct {
	Steps     uint64 `json:"steps"`
	Root      string `json:"root"`
	FirstLoss string `json:"firstLoss"`
	LastLoss  string `json:"lastLoss"`
}

type tensor struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

// programSize is what running a program takes.
type programSize struct {
	Digest      string `json:"digest"`
	Parameters  uint64 `json:"parameters"`
	MemoryBytes uint64 `json:"memoryBytes"`
	FLOPs       uint64 `json:"flopsPerStep"`

	Groups []programGroup `json:"groups"` // the program's own first
}

// programGroup is how parameters are moved.
type programGroup struct {
	Tensors    int               `json:"tensors"`
	Parameters uint64            `json:"parameters"`
	Optimizer  program.Optimizer `json:"optimizer"`
	Schedule   program.Schedule  `json:"schedule"`
}

// text is a group in words: the fields of its JSON.
func (g programGroup) text() string {
	data, err := json.Marshal([]any{g.Optimizer, g.Schedule})
	if err != nil { // of numbers that a program cannot have
		return err.Error()
	}
	words := strings.NewReplacer(`[{"kind":`, "", `},{"kind":`, "; ", "}]", "", `"`, "", ":", " ", ",", ", ").Replace(string(data))
	return fmt.Sprintf("%d parameters in %d tensors: %s", g.Parameters, g.Tensors, words)
}

func (a *app) inspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect PATH",
		Short: "Print what a file or the files of a bundle say, without checking signatures",
		Long: `inspect prints what a file says: a job, a claim or another signed document, a
program, a contribution proof, or the tensors of a safetensors file, compressed
or not. Given a folder, it names what each file is. It checks form, never who
signed.`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			if info.IsDir() {
				return a.inspectFolder(args[0])
			}
			if !info.Mode().IsRegular() {
				return fmt.Errorf("%s: not a regular file", args[0])
			}
			it, err := inspectFile(args[0])
			if err != nil {
				return err
			}
			return a.emit(it, func(w io.Writer) { it.text(w) })
		}),
	}
}

func (a *app) inspectFolder(dir string) error {
	var items []item
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if len(items) == maxListed {
			return fmt.Errorf("%s: more than %d files", dir, maxListed)
		}
		it, err := inspectFile(path)
		if err != nil {
			it = item{File: path, What: err.Error()}
		}
		items = append(items, item{File: it.File, What: it.What})
		return nil
	})
	if err != nil {
		return err
	}
	return a.emit(items, func(w io.Writer) {
		for _, it := range items {
			row(w, it.File, it.What)
		}
	})
}

func (it item) text(w io.Writer) {
	row(w, "file", it.File)
	row(w, "what", it.What)
	for _, t := range it.Tensors {
		row(w, t.Name, fmt.Sprintf("%s %v", t.DType, t.Shape))
	}
	if p := it.Program; p != nil {
		row(w, "digest", p.Digest)
		row(w, "parameters", p.Parameters)
		row(w, "memory", fmt.Sprintf("%d bytes", p.MemoryBytes))
		row(w, "work", fmt.Sprintf("%d floating-point operations a step", p.FLOPs))
		for _, g := range p.Groups {
			row(w, "trained", g.text())
		}
	}
	if l := it.Leaves; l != nil {
		row(w, "root", l.Root)
		row(w, "loss", fmt.Sprintf("%s at the first step, %s at the last", l.FirstLoss, l.LastLoss))
	}
	if it.Document != nil {
		fmt.Fprintf(w, "%s\n", it.Document)
	}
}

// inspectFile looks at the first bytes of a file to see what reads it.
func inspectFile(path string) (item, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return item{}, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	head, err := r.Peek(16)
	if err != nil && err != io.EOF {
		return item{}, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := safetensors.Decompress(r, path, math.MaxInt64-1)
		if err != nil {
			return item{}, err
		}
		it, err := inspectTensors(path, d)
		if cerr := d.Close(); err == nil {
			err = cerr
		}
		it.What += ", compressed"
		return it, err
	case bytes.HasPrefix(head, []byte("{")):
		return inspectJSON(path, r)
	case bytes.HasPrefix(head, []byte("-----BEG")):
		return item{File: path, What: "key"}, nil
	case len(head) == 16 && string(head[:8]) == "VFDLEAF1":
		return inspectLeaves(path, r, binary.LittleEndian.Uint64(head[8:]))
	case len(head) >= 8 && binary.LittleEndian.Uint64(head) <= safetensors.MaxHeader:
		return inspectTensors(path, r)
	}
	return item{File: path, What: "unknown"}, nil
}

// inspectTensors reads the header and nothing else.
func inspectTensors(path string, r io.Reader) (item, error) {
	s, err := safetensors.NewReader(r, path, math.MaxInt64)
	if err != nil {
		return item{}, err
	}
	it := item{File: path, What: fmt.Sprintf("safetensors, %d tensors", len(s.Tensors()))}
	for _, t := range s.Tensors() {
		it.Tensors = append(it.Tensors, tensor{t.Name, string(t.DType), t.Shape})
	}
	return it, nil
}

// inspectLeaves reads every leaf once and keeps none.
func inspectLeaves(path string, r io.Reader, steps uint64) (item, error) {
	leaves, err := trace.NewLeaves(r, path, steps)
	if err != nil {
		return item{}, err
	}
	l := &leafFile{Steps: steps}
	for {
		leaf, err := leaves.Next()
		if err == io.EOF {
			l.Root = leaves.Root().String()
			return item{File: path, What: fmt.Sprintf("leaves of %d steps", steps), Leaves: l}, nil
		}
		if err != nil {
			return item{}, err
		}
		l.LastLoss = fmt.Sprintf("%.6g", leaf.LossValue())
		if l.FirstLoss == "" {
			l.FirstLoss = l.LastLoss
		}
	}
}

func inspectJSON(path string, r io.Reader) (item, error) {
	data, err := io.ReadAll(io.LimitReader(r, document.MaxSize+1))
	if err != nil {
		return item{}, err
	}
	if len(data) > document.MaxSize {
		return item{}, fmt.Errorf("%s: over the limit of %d bytes for a document", path, document.MaxSize)
	}
	var head struct {
		PayloadType string `json:"payloadType"`
		Payload     string `json:"payload"`
		Version     string `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return item{}, fmt.Errorf("%s: not JSON: %w", path, err)
	}
	switch {
	case strings.HasPrefix(head.PayloadType, "application/vnd.verifyd.") && strings.HasSuffix(head.PayloadType, "+abi"):
		return inspectProof(path, data)
	case head.PayloadType != "":
		payload, err := base64.StdEncoding.DecodeString(head.Payload)
		if err != nil {
			return item{}, fmt.Errorf("%s: payload: %w", path, err)
		}
		pretty, err := indented(path, payload)
		return item{File: path, What: "signed document, " + head.PayloadType, Document: pretty}, err
	case head.Version == program.Version:
		return inspectProgram(path, data)
	case head.Version == gate.CurveVersion:
		if _, err := gate.ReadCurve(path, data); err != nil {
			return item{}, err
		}
		pretty, err := indented(path, data)
		return item{File: path, What: "curve of honest steps, " + gate.CurveVersion, Document: pretty}, err
	}
	pretty, err := indented(path, data)
	return item{File: path, What: "JSON", Document: pretty}, err
}

func indented(path string, data []byte) (json.RawMessage, error) {
	var buf bytes.Buffer
	if err := json.Indent(&buf, data, "", "  "); err != nil {
		return nil, fmt.Errorf("%s: not JSON: %w", path, err)
	}
	return buf.Bytes(), nil
}

func inspectProof(path string, data []byte) (item, error) {
	env, err := proofs.ParseEnvelope(data)
	if err != nil {
		return item{}, fmt.Errorf("%s: %w", path, err)
	}
	statement, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return item{}, fmt.Errorf("%s: %w", path, err)
	}
	view, err := indented(path, proofs.View(statement))
	return item{File: path, What: kindOf(statement) + ", signed by " + signers(env), Document: view}, err
}

func inspectProgram(path string, data []byte) (item, error) {
	p, err := program.Parse(data)
	if err != nil {
		return item{}, fmt.Errorf("%s: %w", path, err)
	}
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return item{}, fmt.Errorf("%s: %w", path, err)
	}
	size := &programSize{Digest: fmt.Sprintf("%x", p.Digest()), MemoryBytes: plan.MemoryBytes(), FLOPs: plan.FLOPs()}
	for _, g := range append([]program.Group{{Optimizer: p.Optimizer, Schedule: p.Schedule}}, p.Groups...) {
		size.Groups = append(size.Groups, programGroup{Optimizer: g.Optimizer, Schedule: g.Schedule})
	}
	for i, t := range plan.Params() {
		size.Parameters += uint64(t.Len())
		g := &size.Groups[plan.GroupOf(i)]
		g.Tensors++
		g.Parameters += uint64(t.Len())
	}
	return item{File: path, What: "program, " + program.Version, Program: size}, nil
}
