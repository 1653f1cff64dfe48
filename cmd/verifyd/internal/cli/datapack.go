package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pack"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// packOptions say what is made of what.
type packOptions struct {
	labels, targets, tokens, shape, out string
	wide                                bool
	drop                                []string
}

func (a *app) dataPackCommand() *cobra.Command {
	var o packOptions
	cmd := &cobra.Command{
		Use:   "pack FOLDER|TABLE|TEXT... --out FILE",
		Short: "Make a file of samples of images, a table or text",
		Long: `pack writes what a job's data can be, of

  a folder with a folder of .png or .jpg for each class: x of bytes, channels first,
  and y, the class by the order of its name. All images must have one size;
  a table (.csv, .tsv, .npz, .parquet, .arrow, .feather): x of float32, each number rounded
  once, and y, the column that --labels or --targets names;
  a column of token ids, which --tokens names, or an .npy of one dimension: a stream of them;
  text (.txt, .md, .jsonl): a stream of its bytes, each a token from 0 to 255.

Tokenizers are not run: pack their ids. What is packed does not depend on this
program any more: a job commits to the bytes of the file.`,
		Example: `  verifyd data pack images/ --out train.safetensors
  verifyd data pack train.parquet --labels digit --shape 1,28,28 --out train.safetensors
  verifyd data pack ids.parquet --tokens ids --out train.bin
  verifyd data pack book.txt --out train.bin`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			if err := fresh(o.out); err != nil {
				return err
			}
			return a.pack(cmd.Context(), args, o)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "file to make: .safetensors, or .bin for tokens")
	f.StringVar(&o.labels, "labels", "", "of a table: column of the classes, whole numbers of at most 32 bits")
	f.StringVar(&o.targets, "targets", "", "of a table: column of the numbers to be predicted")
	f.StringVar(&o.tokens, "tokens", "", "of a table: column of token ids")
	f.BoolVar(&o.wide, "i32", false, "tokens of four bytes, for vocabularies of more than 65536")
	f.StringVar(&o.shape, "shape", "", "of a table: dimensions of a row, such as 1,28,28; one if not given")
	f.StringArrayVar(&o.drop, "drop", nil, "of a table: column to leave out; repeat")
	require(cmd, "out")
	return cmd
}

func (a *app) pack(ctx context.Context, args []string, o packOptions) error {
	if info, err := os.Stat(args[0]); err == nil && info.IsDir() && len(args) == 1 {
		return a.packImages(ctx, args[0], o.out)
	}
	if !pack.IsTable(args[0]) {
		return a.packText(args, o.out)
	}
	if len(args) > 1 {
		return usageError{errors.New("one table at a time: pack each, and give all files to data commit")}
	}
	table := tabular.Options{Drop: o.drop}
	if o.tokens != "" || filepath.Ext(args[0]) == ".npy" {
		dtype := safetensors.U16
		if o.wide {
			dtype = safetensors.I32
		}
		n, err := pack.Tokens(args[0], o.tokens, dtype, table, o.out)
		if err != nil {
			return err
		}
		return a.emitPacked(o.out, fmt.Sprintf("%d tokens of %s", n, dtype), nil)
	}
	if (o.labels == "") == (o.targets == "") {
		return usageError{errors.New("--labels or --targets names the column to be predicted, or --tokens one of token ids")}
	}
	shape, err := dimensions(o.shape)
	if err != nil {
		return usageError{fmt.Errorf("--shape: %w", err)}
	}
	rows, cols, err := pack.Table(args[0], o.labels+o.targets, shape, o.targets != "", table, o.out)
	if err != nil {
		return err
	}
	return a.emitPacked(o.out, fmt.Sprintf("%d rows of %d numbers", rows, cols), nil)
}

// dimensions reads 1,28,28.
func dimensions(text string) (all []int, err error) {
	if text == "" {
		return nil, nil
	}
	for _, field := range strings.Split(text, ",") {
		d, err := strconv.Atoi(field)
		if err != nil || d < 1 {
			return nil, fmt.Errorf("%.40q: want whole numbers above 0 with commas between", text)
		}
		all = append(all, d)
	}
	return all, nil
}

func (a *app) packImages(ctx context.Context, dir, out string) error {
	m, err := pack.OpenImages(dir)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Write(ctx, out, a.progress("packing images")); err != nil {
		return err
	}
	return a.emitPacked(out, fmt.Sprintf("%d images of %v", m.Samples(), m.Shape), m.Classes)
}

func (a *app) packText(paths []string, out string) error {
	n, err := pack.Text(paths, func(path string) (io.ReadCloser, error) {
		f, _, err := input.Open(path)
		return f, err
	}, out)
	if err != nil {
		return err
	}
	return a.emitPacked(out, fmt.Sprintf("%d tokens of U16, each a byte of the text", n), nil)
}

// emitPacked prints what was made.
func (a *app) emitPacked(file, holds string, classes []string) error {
	view := struct {
		File    string   `json:"file"`
		Holds   string   `json:"holds"`
		Classes []string `json:"classes,omitempty"` // by label
	}{file, holds, classes}
	return a.emit(view, func(w io.Writer) {
		row(w, "file", file)
		row(w, "holds", holds)
		for i, c := range classes {
			row(w, fmt.Sprintf("class %d", i), c)
		}
	})
}
