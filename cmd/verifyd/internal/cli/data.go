package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify/data"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/safetensors"
)

func (a *app) dataCommand() *cobra.Command {
	return group("data", "Make, commit and check the data set of a job", a.dataPackCommand(), a.dataCommitCommand(), a.dataShowCommand(), a.dataCheckCommand())
}

// layoutFlags say what files of samples do not say themselves.
type layoutFlags struct {
	tokens          string
	context, stride uint64
	skip            int64
	normalise       []string
}

func (l *layoutFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Uint64Var(&l.context, "context", 0, "of streams of tokens: tokens that a model reads at a time")
	f.Uint64Var(&l.stride, "stride", 0, "tokens from one window to the next; the context if not given")
	f.StringVar(&l.tokens, "tokens", "u16", "what a token is stored as: u16, i32 or u32")
	f.Int64Var(&l.skip, "skip", 0, "bytes before the tokens of each .bin, such as 1024 for those of llm.c")
	f.StringArrayVar(&l.normalise, "normalise", nil, "TENSOR=MEANS/DEVIATIONS of its channels, as fractions of 255, for instance x=0.1307/0.3081; repeat")
	complete(cmd, "tokens", "u16", "i32", "u32")
}

// options are the flags as the files are opened with them.
func (l *layoutFlags) options() (o data.Options, err error) {
	o.Skip = l.skip
	if l.context > 0 {
		o.Tokens = &job.Tokens{DType: safetensors.U16, Context: l.context, Stride: l.stride}
		if l.stride == 0 {
			o.Tokens.Stride = l.context
		}
		switch l.tokens {
		case "u16":
		case "i32", "u32": // the same bytes, as no vocabulary has 2^31 tokens
			o.Tokens.DType = safetensors.I32
		default:
			return o, usageError{fmt.Errorf("--tokens %.20q: want u16, i32 or u32", l.tokens)}
		}
	} else if l.stride > 0 || l.skip > 0 {
		return o, usageError{errors.New("--stride and --skip belong to --context")}
	}
	o.Scales = map[string]data.Scale{}
	for _, text := range l.normalise {
		name, numbers, found := strings.Cut(text, "=")
		means, deviations, both := strings.Cut(numbers, "/")
		if !found || !both || o.Scales[name].Scale != nil {
			return o, usageError{fmt.Errorf("--normalise %.80q: want TENSOR=MEANS/DEVIATIONS, each tensor once", text)}
		}
		if o.Scales[name], err = normalisation(means, deviations); err != nil {
			return o, usageError{fmt.Errorf("--normalise %.80q: %w", text, err)}
		}
	}
	return o, nil
}

// normalisation is what gives (v/255 - mean) / deviation, each of scale and offset rounded once, to a float32.
func normalisation(means, deviations string) (s data.Scale, err error) {
	m, d := strings.Split(means, ","), strings.Split(deviations, ",")
	if len(m) != len(d) {
		return s, fmt.Errorf("%d means and %d deviations", len(m), len(d))
	}
	for i := range m {
		mean, err := strconv.ParseFloat(m[i], 64)
		if err != nil {
			return s, fmt.Errorf("%.40q is not a number", m[i])
		}
		deviation, err := strconv.ParseFloat(d[i], 64)
		if err != nil || !(deviation > 0) {
			return s, fmt.Errorf("%.40q is no number above 0", d[i])
		}
		s.Scale, s.Offset = append(s.Scale, float32(1/(255*deviation))), append(s.Offset, float32(-mean/deviation))
	}
	return s, nil
}

func (a *app) dataCommitCommand() *cobra.Command {
	var l layoutFlags
	var index string
	cmd := &cobra.Command{
		Use:   "commit FILE...",
		Short: "Hash every sample once and keep the hashes in an index",
		Long: `commit reads files once, on all processors, and writes an index: the layout of the
samples, what the files are, and 32 bytes for each sample. What a job commits to is
its root. job new and train run find it beside the first file and read no sample more
than they need. The files themselves are not copied and not changed.

A sample is a row of every tensor, x and y or x/NAME of each input and y, or a window
of tokens: what the model reads and the token after it. No window reaches from
one file to the next, and windows that overlap are hashed as often as they are read.`,
		Example: `  verifyd data commit train.safetensors
  verifyd data commit x=images.npy y=labels.npy --normalise x=0.1307/0.3081
  verifyd data commit shards/ --context 1024 --skip 1024`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			o, err := l.options()
			if err != nil {
				return err
			}
			if index == "" {
				index = data.IndexOf(args)
			}
			return a.commitData(cmd.Context(), args, o, index)
		}),
	}
	l.flags(cmd)
	cmd.Flags().StringVar(&index, "index", "", "file to write; beside the first file, under its name and .index, if not given")
	return cmd
}

func (a *app) commitData(ctx context.Context, paths []string, o data.Options, index string) (err error) {
	if err := fresh(index); err != nil {
		return err
	}
	f, err := data.Open(paths, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	began := time.Now()
	if err := f.WriteIndex(ctx, index, a.progress("hashing samples")); err != nil {
		return err
	}
	head, err := data.ReadIndexHead(index)
	if err != nil {
		return err
	}
	took := time.Since(began)
	return a.emitData(index, head, func(w io.Writer) {
		row(w, "time", fmt.Sprintf("%v, %.2f GB/s", took.Round(time.Millisecond), float64(f.Bytes())/1e9/took.Seconds()))
	})
}

func (a *app) dataShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show INDEX",
		Short: "Show what an index says of a data set",
		Example: `  verifyd data show train.bin.index
  verifyd data show train.bin.index --output json`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			head, err := data.ReadIndexHead(args[0])
			if err != nil {
				return err
			}
			return a.emitData(args[0], head, func(io.Writer) {})
		}),
	}
}

func (a *app) dataCheckCommand() *cobra.Command {
	var index string
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Hash every sample again and compare it with the index",
		Long: `check reads all files, and an error names the file and the sample of which a byte is
another than was committed to. Training compares each sample that it uses, and needs no check before.`,
		Example: `  verifyd data check train.bin`,
		Args:    cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) (err error) {
			if index == "" {
				index = data.IndexOf(args)
			}
			head, err := data.ReadIndexHead(index)
			if err != nil {
				return err
			}
			f, err := data.Open(args, head.Options())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			if err := f.TakeIndex(index); err != nil {
				return err
			}
			if err := f.Verify(cmd.Context(), a.progress("hashing samples")); err != nil {
				return err
			}
			return a.emitData(index, head, func(w io.Writer) { row(w, "check", "every sample is the one that was committed to") })
		}),
	}
	cmd.Flags().StringVar(&index, "index", "", "index of the files; beside the first file, under its name and .index, if not given")
	return cmd
}

// emitData prints what an index says.
func (a *app) emitData(index string, x data.Index, more func(w io.Writer)) error {
	view := struct {
		File string `json:"index"`
		data.Index
	}{index, x}
	return a.emit(view, func(w io.Writer) {
		row(w, "index", index)
		row(w, "root", x.Data.Root)
		row(w, "samples", x.Data.Samples)
		if t := x.Data.Tokens; t != nil {
			row(w, "tokens", fmt.Sprintf("%s, %d and the next, a window every %d", t.DType, t.Context, t.Stride))
		}
		for _, t := range x.Data.Tensors {
			text := fmt.Sprintf("%s %v", t.DType, t.Shape)
			if len(t.Scale) > 0 {
				text += fmt.Sprintf(", times %v plus %v", t.Scale, t.Offset)
			}
			row(w, t.Name, text)
		}
		for _, f := range x.Files {
			row(w, "file", fmt.Sprintf("%s, %d bytes", f.Name, f.Bytes))
		}
		more(w)
	})
}
