package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/checkpoint"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

func (a *app) stateCommand() *cobra.Command {
	return group("state", "Move the weights of models in and out of what jobs start from", a.stateImportCommand(), a.stateExportCommand(), a.stateShowCommand())
}

// stateImport is what an import is asked for.
type stateImport struct {
	files        []string
	program, out string
	strip, add   string
	rename       []string
	draw         uint64
	drawGiven    bool
	check        bool
}

func (a *app) stateImportCommand() *cobra.Command {
	var o stateImport
	cmd := &cobra.Command{
		Use:   "import FILE... --program FILE --out FILE",
		Short: "Make what a job starts from out of PyTorch's safetensors files",
		Long: `import matches the tensors of safetensors files with the parameters and buffers of a
program by name, and writes them as the base of job new --base. FILE is a file, an index
of shards, or a folder that has one of both, as Hugging Face's save_pretrained leaves it;
several make one state, such as a model and an adapter. f16 and bf16 are widened, which is
exact. Tied tensors may be there once or twice, and are equal then.

It reports what matched, what is missing, and what is left over. A state that misses
something is refused, unless --draw says that the program draws it.`,
		Example: `  verifyd state import gpt2/ --program program.json --strip transformer. --out base.safetensors
  verifyd job new --program program.json --base base.safetensors --data data.safetensors \
      --steps 1000 --key operator.pem --audience urn:db:payroll --out job`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			o.files, o.drawGiven = args, cmd.Flags().Changed("draw")
			if o.check == (o.out != "") {
				return usageError{errors.New("--out FILE, or --check to report alone")}
			}
			return a.importState(cmd.Context(), o)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.program, "program", "", "program (canonical JSON)")
	f.StringVar(&o.out, "out", "", "file to make")
	f.StringVar(&o.strip, "strip", "", "prefix that the files' names lose where they have it, such as module. or _orig_mod.")
	f.StringVar(&o.add, "add", "", "prefix that the files' names get, such as model.")
	f.StringArrayVar(&o.rename, "rename", nil, "OLD=NEW: a part of the files' names and what replaces it, before prefixes; repeat")
	f.Uint64Var(&o.draw, "draw", 0, "seed that draws what is missing, as the program does: a new head, an adapter")
	f.BoolVar(&o.check, "check", false, "report what would match, and make nothing")
	require(cmd, "program")
	return cmd
}

// tensorView is a tensor as data.
type tensorView struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	DType string `json:"dtype,omitempty"`
	From  string `json:"from,omitempty"` // its name in the file, if it is another
	File  string `json:"file,omitempty"`
	Tied  string `json:"tied,omitempty"` // name of the copy that was compared
}

func tensorViewOf(name string, t *checkpoint.Tensor) tensorView {
	v := tensorView{Name: name, Shape: t.Shape, DType: string(t.DType), File: t.File()}
	if t.Name != name {
		v.From = t.Name
	}
	return v
}

// importView is the report of an import.
type importView struct {
	File    string       `json:"file,omitempty"`
	Root    *merkle.Hash `json:"root,omitempty"`
	Matched []tensorView `json:"matched"`
	Missing []tensorView `json:"missing"`
	Drawn   bool         `json:"drawn"` // those that are missing
	Left    []tensorView `json:"left"`
	Hint    string       `json:"hint,omitempty"`
}

func (a *app) importState(ctx context.Context, o stateImport) error {
	names := checkpoint.Names{Strip: o.strip, Add: o.add}
	for _, r := range o.rename {
		old, to, ok := strings.Cut(r, "=")
		if !ok || old == "" {
			return usageError{fmt.Errorf("--rename %q: want OLD=NEW", r)}
		}
		names.Rename = append(names.Rename, [2]string{old, to})
	}
	if err := fresh(o.out); err != nil {
		return err
	}
	p, err := readProgram(o.program)
	if err != nil {
		return err
	}
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return err
	}
	files, err := checkpoint.Open(o.files...)
	if err != nil {
		return err
	}
	defer files.Close()
	m, err := files.Match(p, plan, names)
	if err != nil {
		return err
	}
	view := matchView(m)
	view.Drawn = o.drawGiven
	if len(m.Missing) > 0 && !o.drawGiven {
		if err := a.emit(view, view.text); err != nil {
			return err
		}
		if m.Hint != "" {
			return hint(m.Whole(), "%s", m.Hint)
		}
		return m.Whole()
	}
	if o.check {
		return a.emit(view, view.text)
	}
	progress := a.progress("importing")
	how := checkpoint.Import{Plan: plan, Threads: runtime.GOMAXPROCS(0), Progress: func(done, total int64) { progress(uint64(done), uint64(total)) }}
	if o.drawGiven {
		cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
		if err != nil {
			return err
		}
		defer cpu.Close()
		how.Draw = func(i int, x []float32) error { return plan.DrawBase(cpu, i, o.draw, x) }
	}
	var root merkle.Hash
	err = writeStart(o.out, func(w io.Writer) (err error) {
		root, err = files.Write(ctx, w, m, how)
		return err
	})
	if err != nil {
		return err
	}
	view.File, view.Root = o.out, &root
	return a.emit(view, view.text)
}

func matchView(m *checkpoint.Match) *importView {
	v := &importView{Matched: []tensorView{}, Missing: []tensorView{}, Left: []tensorView{}, Hint: m.Hint}
	for _, b := range m.Base {
		t := tensorViewOf(b.Spec.Name, b.From)
		if b.Same != nil {
			t.Tied = b.Same.Name
		}
		v.Matched = append(v.Matched, t)
	}
	for _, s := range m.Missing {
		v.Missing = append(v.Missing, tensorView{Name: s.Name, Shape: s.Shape})
	}
	for _, l := range m.Left {
		v.Left = append(v.Left, tensorViewOf(l.As, l.Tensor))
	}
	return v
}

// listed is how many tensors of a kind the text names.
const listed = 12

func (v *importView) text(w io.Writer) {
	if v.File != "" {
		row(w, "base", v.File)
		row(w, "root", v.Root)
	}
	types := map[string]int{}
	for _, t := range v.Matched {
		types[t.DType]++
	}
	row(w, "matched", fmt.Sprintf("%d tensors%s", len(v.Matched), typesText(types)))
	what := "missing"
	if v.Drawn {
		what = "drawn"
	}
	for _, part := range []struct {
		name string
		list []tensorView
	}{{what, v.Missing}, {"left over", v.Left}} {
		row(w, part.name, fmt.Sprintf("%d tensors", len(part.list)))
		for i, t := range part.list {
			if i == listed {
				row(w, "", fmt.Sprintf("and %d more: -o json lists all", len(part.list)-listed))
				break
			}
			row(w, "", strings.TrimSpace(fmt.Sprintf("%s %v %s", t.Name, t.Shape, t.DType)))
		}
	}
	if v.Hint != "" {
		row(w, "hint", v.Hint)
	}
}

func typesText(types map[string]int) (text string) {
	for _, t := range []string{"F32", "F16", "BF16"} {
		if n := types[t]; n > 0 {
			text += fmt.Sprintf(", %d of %s", n, t)
		}
	}
	return text
}
