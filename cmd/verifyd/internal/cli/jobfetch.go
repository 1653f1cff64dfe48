package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/fetch"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) jobFetchCommand() *cobra.Command {
	var operator string
	cmd := &cobra.Command{
		Use:   "fetch JOB --operator KEY.pub",
		Short: "Fetch what a job starts from, and check all of it",
		Long: `fetch gets base.safetensors and start.safetensors, as far as the job names them and
they are not there, from where the operator signed that they are, into the job's
folder. A transfer that breaks off goes on, also in another call. What was fetched
is hashed and compared with the job; anything else is removed. Files that are there
already, however they came, are compared, too.`,
		Example: `  verifyd job fetch job --operator operator.pem.pub`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			return a.fetchStart(cmd.Context(), args[0], operator)
		}),
	}
	cmd.Flags().StringVar(&operator, "operator", "", "operator's public key (PEM)")
	require(cmd, "operator")
	return cmd
}

// fetchedFile is what a job starts from, as data.
type fetchedFile struct {
	File string      `json:"file"`
	Root merkle.Hash `json:"root"`
	Size uint64      `json:"size"`
	Got  bool        `json:"fetched"` // by this call
}

func (a *app) fetchStart(ctx context.Context, dir, operatorFile string) error {
	operator, err := readKey(operatorFile, keys.Operator, inJobs(dir))
	if err != nil {
		return err
	}
	t, err := readTerms(dir, operator)
	if err != nil {
		return err
	}
	files := []fetchedFile{}
	if c := t.Job.Init.Base; c != nil {
		f, err := a.fetchFile(ctx, filepath.Join(dir, verify.BaseFile), c, func(path string) error {
			b, err := readBase(path, t.Plan)
			if err != nil {
				return err
			}
			return t.TakeBase(b)
		})
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	if c := t.Job.Init.Final; c != nil {
		devices, err := a.devices(ctx)
		if err != nil {
			return err
		}
		f, err := a.fetchFile(ctx, filepath.Join(dir, verify.StartFile), &c.Committed, func(path string) error {
			s, err := readFinal(path, t.Spec())
			if err != nil {
				return err
			}
			if err := t.TakeFinal(s); err != nil {
				return err
			}
			return t.CheckStart(ctx, devices.First())
		})
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	return a.emit(struct {
		Files []fetchedFile `json:"files"`
	}{files}, func(w io.Writer) {
		for _, f := range files {
			how := "was there"
			if f.Got {
				how = "fetched"
			}
			row(w, f.File, fmt.Sprintf("%s, %d bytes, root %v as the job has it", how, f.Size, f.Root))
		}
		if len(files) == 0 {
			row(w, "nothing", "the job draws what it starts from")
		}
	})
}

// fetchFile gets a file unless it is there, and checks it.
func (a *app) fetchFile(ctx context.Context, path string, c *job.Committed, check func(path string) error) (fetchedFile, error) {
	f := fetchedFile{File: path, Root: c.Root, Size: c.Size}
	switch _, err := os.Stat(path); {
	case err == nil:
		return f, check(path)
	case !errors.Is(err, fs.ErrNotExist):
		return f, err
	}
	f.Got = true
	progress := a.progress("fetching")
	return f, fetch.NewGetter().Get(ctx, fetch.File{
		Path: path, Size: int64(c.Size), URLs: c.URLs, Check: check,
		Progress: func(done int64) { progress(uint64(done), c.Size) },
	})
}
