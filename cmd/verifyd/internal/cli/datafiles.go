package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify/data"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/job"
)

// dataFiles are the files of a data set.
type dataFiles struct {
	paths []string
	index string // may be empty
}

func (d *dataFiles) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&d.paths, "data", nil, "data set: files, or folders of them, in the order of their samples: .safetensors with x and y, x=FILE.npy, or .bin of tokens; repeat")
	f.StringVar(&d.index, "index", "", "index of the data, as data commit writes it; beside the first file, under its name and .index, if it is there")
	_ = cmd.MarkFlagRequired("data") // fails only for a flag that is not there
}

// open opens the data set of a layout; without one it is what the files or their index say. With an index no sample is read;
// without one all are hashed.
func (d *dataFiles) open(ctx context.Context, a *app, layout *job.Layout) (*job.Dataset, *data.Files, error) {
	index, o := d.index, data.Options{Layout: layout}
	if index == "" {
		beside := data.IndexOf(d.paths)
		if _, err := os.Stat(input.Path(beside)); err == nil {
			index = beside
		}
	}
	if index != "" {
		head, err := data.ReadIndexHead(index)
		if err != nil {
			return nil, nil, err
		}
		o = head.Options()
	}
	f, err := data.Open(d.paths, o)
	if err != nil {
		return nil, nil, err
	}
	if index != "" {
		err = f.TakeIndex(index)
	} else {
		err = f.Commit(ctx, a.progress("hashing samples"))
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	set, err := f.Dataset()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return set, f, nil
}
