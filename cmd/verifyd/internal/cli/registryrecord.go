package cli

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) registryRecordCommand() *cobra.Command {
	var operator, verifier string
	var jobs []string
	cmd := &cobra.Command{
		Use:   "record FOLDER VERDICT... --job FOLDER --operator KEY.pub --verifier KEY.pub",
		Short: "Remember what verdicts said of the claims that were received",
		Long: `record writes verdicts into the record by which score frees or voids held pay. score
does the same with those that it is given: record them as soon as they are there, so
that a FAIL voids what is held when it is found.

One verdict counts once, however often it is given, and of several on one claim the
strongest stands: a FAIL before a PASS, a PASS before one that could not be decided,
and that before silence.`,
		Example: `  verifyd registry record registry verdicts/*.json --job job --operator operator.pem.pub --verifier verifier.pem.pub`,
		Args:    cobra.MinimumNArgs(2),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			return a.recordVerdicts(cmd.Context(), args[0], args[1:], jobs, operator, verifier)
		}),
	}
	f := cmd.Flags()
	f.StringArrayVar(&jobs, "job", nil, "folder of a job; repeat for each job")
	f.StringVar(&operator, "operator", "", "operator's public key (PEM)")
	f.StringVar(&verifier, "verifier", "", "public key (PEM) of the verifier that signed the verdicts")
	require(cmd, "job", "operator", "verifier")
	return cmd
}

// recordedView is what is recorded of a worker in the pool of the verdicts.
type recordedView struct {
	Worker  merkle.Hash            `json:"worker"`
	Judged  map[verify.Outcome]int `json:"judged"`  // claims, by what stands of them
	Waiting int                    `json:"waiting"` // claims on the jobs given that have a receipt and no verdict
}

func (a *app) recordVerdicts(ctx context.Context, dir string, verdicts, jobDirs []string, operatorFile, verifierFile string) error {
	r, err := openRegistry(dir)
	if err != nil {
		return err
	}
	operator, err := readKey(operatorFile, keys.Operator)
	if err != nil {
		return err
	}
	verifier, err := readKey(verifierFile, keys.Verifier)
	if err != nil {
		return err
	}
	jobs, err := scoredJobs(jobDirs, operator)
	if err != nil {
		return err
	}
	e := &score.Epoch{}
	if err := addVerdicts(e, verdicts, verifier, jobs); err != nil {
		return err
	}
	if err := e.Settle(ctx, r, jobs, time.Now(), true); err != nil {
		return err
	}
	views := []recordedView{}
	for _, worker := range slices.SortedFunc(maps.Keys(e.Records), func(a, b merkle.Hash) int { return bytes.Compare(a[:], b[:]) }) {
		known := e.Records[worker]
		view := recordedView{worker, map[verify.Outcome]int{}, len(known.Waiting)}
		for _, j := range known.Judged.Standing() {
			view.Judged[j.Outcome]++
		}
		views = append(views, view)
	}
	return a.emit(views, func(w io.Writer) {
		row(w, "worker", verify.Pass, verify.Fail, verify.Inconclusive, verify.Unaudited, "waiting")
		for _, v := range views {
			row(w, v.Worker, v.Judged[verify.Pass], v.Judged[verify.Fail], v.Judged[verify.Inconclusive], v.Judged[verify.Unaudited], v.Waiting)
		}
	})
}

// scoredJobs reads the jobs that the operator signed, in folders.
func scoredJobs(dirs []string, operator document.Key) (score.Jobs, error) {
	jobs := score.Jobs{}
	for _, dir := range dirs {
		t, err := readOfferBy(dir, operator)
		if err != nil {
			return nil, err
		}
		jobs[t.Digest] = t.Terms
	}
	return jobs, nil
}

// addVerdicts reads an epoch's verdicts.
func addVerdicts(e *score.Epoch, files []string, verifier document.Key, jobs score.Jobs) error {
	for _, file := range files {
		data, err := readFile(file, document.MaxSize)
		if err != nil {
			return err
		}
		if err := e.Add(file, data, verifier, jobs); err != nil {
			return explainNoJob(err)
		}
	}
	return nil
}
