package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ownRange is how many samples each worker's own data may have, as a flag: LEAST:MOST. Nil stands for data of the job's.
type ownRange struct{ *job.Own }

func (r *ownRange) Set(text string) error {
	least, most, _ := strings.Cut(text, ":")
	from, err := strconv.ParseUint(least, 10, 64)
	to, errMost := strconv.ParseUint(most, 10, 64)
	if err != nil || errMost != nil {
		return errors.New("want LEAST:MOST, such as 1000:100000")
	}
	r.Own = &job.Own{Least: from, Most: to}
	return nil
}

func (r *ownRange) String() string {
	if r.Own == nil {
		return ""
	}
	return fmt.Sprintf("%d:%d", r.Least, r.Most)
}

func (r *ownRange) Type() string { return "LEAST:MOST" }

// readOwn reads a commitment to a worker's own data; nil without a path.
func readOwn(path string) (*job.Set, error) {
	if path == "" {
		return nil, nil
	}
	data, err := readFile(path, document.MaxSize)
	if err != nil {
		return nil, err
	}
	s, err := document.Decode[job.Set](path, data)
	return &s, err
}

func (a *app) trainCommitCommand() *cobra.Command {
	var data dataFiles
	var out string
	cmd := &cobra.Command{
		Use:   "commit --data FILE --out FILE",
		Short: "Commit to data of one's own, before a slot is assigned",
		Long: `commit writes the root over the samples and their number. Where a job asks for data
of each worker's own, give that file to the operator, who registers it with your slot:
the seed of your order is drawn afterwards, and follows from it. Of the samples only
those are opened that a challenge asks for.`,
		Example: `  verifyd train commit --data mine.safetensors --out mine.json
  verifyd job assign worker.pem.pub --data mine.json --job job --registry registry \
      --key operator.pem --out assignment.json`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			d, files, err := data.open(cmd.Context(), a, nil)
			if err != nil {
				return err
			}
			defer files.Close()
			set := d.Set()
			file, err := document.Encode(set)
			if err != nil {
				return err
			}
			if err := writeNew(out, file, 0o644); err != nil {
				return err
			}
			view := struct {
				Commitment string      `json:"commitment"`
				Root       merkle.Hash `json:"root"`
				Samples    uint64      `json:"samples"`
			}{out, set.Root, set.Samples}
			return a.emit(view, func(w io.Writer) {
				row(w, "commitment", view.Commitment)
				row(w, "root", view.Root)
				row(w, "samples", view.Samples)
			})
		}),
	}
	data.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	require(cmd, "out")
	return cmd
}
