package cli

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify/document"
)

// scoreOptions are what an epoch rests on besides its verdicts.
type scoreOptions struct {
	policyFile         string
	operator, verifier string   // files
	jobs               []string // folders
	values             []string // files
	valuer             string   // file, empty for the verifier's
	roster, earned     string   // files, may be empty
	spent              string   // file, empty for the one beside out
	registry           string   // folder, may be empty
	key, out           string
	epoch              uint64
	issued             int64
	log                recorder
}

func (a *app) scoreCommand() *cobra.Command {
	var o scoreOptions
	cmd := &cobra.Command{
		Use:   "score VERDICT... --policy FILE --job FOLDER --operator KEY.pub --verifier KEY.pub",
		Short: "Turn the verdicts of an epoch into units, and into proofs to sign",
		Long: `score applies a policy to all verdicts of an epoch and prints what each claim
earns and why. Rejected and inconclusive claims are in the table too, with their
reasons. The order of the verdicts makes no difference.

With --out it writes a folder: the body of each contribution, ready to sign, or
the signed proof where --key is given; and earned.json, what every account has
earned in all, which the next epoch needs as --earned. Several verifiers who give
the same --issued write the same bodies.

Where a job holds pay, a claim is paid once as many further claims of its worker as
the job says have passed, or the job's period after its verdict, whichever is first;
a FAIL voids what is held. The operator's --registry remembers the verdicts, those
given here with --out for good. Claims that are held are listed with what they wait
for, and nothing is stated of them: give their verdicts again in the next epoch.
A claim without a verdict keeps those behind it from counting, if its job is named
with --job: name all jobs of the pool.

What is written is recorded as paid in a file beside the folder, or --spent: another
epoch or another time makes another body for the same work, which is refused.

--values are what value score and value sign wrote, signed by the --valuer: a value
comes from a certificate that was audited. --roster and --earned are JSON, fields in
this order, rows in that of their hashes; amounts are decimal strings:

  {"version":"verifyd-roster/1","workers":[{"account":"0x...","owner":"0x...",
    "worker":"0xKEYID"}]}
  {"accounts":[{"account":"0x...","units":"1000"}],"version":"verifyd-earned/1"}`,
		Example: `  verifyd score verdicts/*.json --policy policy.json --job job --operator operator.pem.pub \
      --verifier verifier.pem.pub --epoch 7 --earned epoch6/earned.json --key verifier.pem --out epoch7`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.score(cmd.Context(), args, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.policyFile, "policy", "", "scoring policy, the one that the jobs name")
	f.StringArrayVar(&o.jobs, "job", nil, "folder of a job; repeat for each job")
	f.StringVar(&o.operator, "operator", "", "operator's public key (PEM)")
	f.StringVar(&o.verifier, "verifier", "", "public key (PEM) of the verifier that signed the verdicts")
	f.StringArrayVar(&o.values, "values", nil, "what was measured of claims beside their verdicts, as value score or value sign signed it; may be repeated")
	f.StringVar(&o.valuer, "valuer", "", "public key (PEM) that signed the values; the verifier's if not given")
	f.StringVar(&o.roster, "roster", "", "accounts and owners of workers; a worker that is not in it is paid under its key id")
	f.StringVar(&o.earned, "earned", "", "what accounts have earned before; nothing if not given")
	f.Uint64Var(&o.epoch, "epoch", 0, "number of the epoch")
	f.Int64Var(&o.issued, "issued", 0, "time to state in the proofs, seconds of the Unix epoch; now if not given")
	f.StringVar(&o.out, "out", "", "folder to make")
	f.StringVar(&o.key, "key", "", "verifier's private key, to sign the proofs with")
	f.StringVar(&o.registry, "registry", "", "the operator's registry, which remembers verdicts; needed where a job holds pay")
	spentFlag(cmd, &o.spent)
	o.log.flags(cmd)
	for _, name := range []string{"policy", "job", "operator", "verifier", "epoch"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func (a *app) score(ctx context.Context, verdicts []string, o scoreOptions) error {
	if o.key != "" && o.out == "" {
		return usageError{errors.New("--key needs --out, where the proofs go")}
	}
	if o.log.folder != "" && o.key == "" {
		return usageError{errors.New("--log needs --key: only what is signed is logged")}
	}
	if o.issued < 0 {
		return usageError{fmt.Errorf("--issued %d: is negative", o.issued)}
	}
	if err := fresh(o.out); err != nil {
		return err
	}
	var key crypto.Signer
	if o.key != "" {
		opened, err := a.openKey(ctx, o.key, keys.Verifier)
		if err != nil {
			return err
		}
		defer opened.Close()
		key = opened
	}
	e, jobs, err := o.read(verdicts)
	if err != nil {
		return err
	}
	e.Issued = time.Unix(o.issued, 0)
	if o.issued == 0 {
		e.Issued = time.Now()
	}
	if o.registry != "" {
		r, err := openRegistry(o.registry)
		if err == nil {
			err = e.Settle(ctx, r, jobs, time.Now(), o.out != "")
		}
		if err != nil {
			return err
		}
	}
	forget, err := a.knowSpent(e, &o)
	if err != nil {
		return err
	}
	defer forget()
	result, err := e.Score()
	if errors.Is(err, score.ErrNoRecord) {
		return hint(err, "name the registry that gave the claims their receipts with --registry")
	}
	if err != nil {
		return err
	}
	a.noteFixed(result.Contributions()...)
	if o.out == "" {
		err = a.wasPaid(o.spent, o.earned, result.Contributions())
	} else {
		err = a.writeScored(ctx, result, key, o)
	}
	if err != nil {
		return err
	}
	return a.emit(e.Sheet(result), func(w io.Writer) { scoreText(w, e, result) })
}

// read reads all that a score rests on.
func (o *scoreOptions) read(verdicts []string) (*score.Epoch, score.Jobs, error) {
	p, err := readPolicy(o.policyFile)
	if err != nil {
		return nil, nil, err
	}
	operator, err := readKey(o.operator, keys.Operator, inJobs(o.jobs...))
	if err != nil {
		return nil, nil, err
	}
	verifier, err := readKey(o.verifier, keys.Verifier)
	if err != nil {
		return nil, nil, err
	}
	e := &score.Epoch{Number: o.epoch, Policy: p}
	jobs, err := scoredJobs(o.jobs, operator)
	if err != nil {
		return nil, nil, err
	}
	if err := addVerdicts(e, verdicts, verifier, jobs); err != nil {
		return nil, nil, err
	}
	if e.Values, err = o.readValues(verifier, p); err != nil {
		return nil, nil, err
	}
	if e.Roster, err = optional(o.roster, score.ParseRoster); err != nil {
		return nil, nil, err
	}
	e.Earned, err = optional(o.earned, score.ParseEarned)
	return e, jobs, err
}

func explainNoJob(err error) error {
	if errors.Is(err, score.ErrNoJob) {
		return hint(err, "name its folder with --job")
	}
	return err
}

// readValues reads and joins what was measured.
func (o *scoreOptions) readValues(verifier document.Key, p *policy.Policy) (*score.Values, error) {
	valuer := verifier
	if o.valuer != "" {
		var err error
		if valuer, err = readKey(o.valuer, keys.Verifier); err != nil {
			return nil, err
		}
	}
	var all []*score.Values
	for _, file := range o.values {
		signed, err := readFile(file, document.MaxSize)
		if err != nil {
			return nil, err
		}
		v, err := score.ReadValues(file, signed, valuer, p)
		if err != nil {
			return nil, hint(err, "value score writes them from an audited certificate, value sign what else was measured")
		}
		all = append(all, v)
	}
	return score.Join(all)
}

// optional reads and parses a file, or gives nil for the empty path.
func optional[T any](path string, parse func(file string, data []byte) (*T, error)) (*T, error) {
	if path == "" {
		return nil, nil
	}
	data, err := readFile(path, score.MaxFile)
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

// writeScored makes an epoch's folder, once its work is recorded as paid and the log has what is signed in it.
func (a *app) writeScored(ctx context.Context, r *score.Result, key crypto.Signer, o scoreOptions) (err error) {
	paid, err := a.openSpent(o.spent, o.out, o.earned == "" && firstEpoch(o.epoch, o.spent))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, paid.Close()) }()
	if err := paid.Check(r.Contributions()...); err != nil {
		return explainSpent(err)
	}
	files, err := r.Files(key)
	if err != nil {
		return err
	}
	promise := func() error { return explainSpent(paid.Record(r.Contributions()...)) }
	err = a.recordedOnce(ctx, o.log, promise, score.Signed(files), func() error {
		return makeFolder(o.out, func() error {
			for _, f := range files {
				if err := writeNew(filepath.Join(o.out, f.Name), f.Data, 0o644); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return explainSpent(err)
	}
	a.note("%d contributions and %s in %s", len(r.Statements), score.EarnedFile, o.out)
	return nil
}

func scoreText(w io.Writer, e *score.Epoch, r *score.Result) {
	row(w, "worker", "task", "slot", "verdict", "reason", "gigaflop", "points", "units", "in all")
	for _, s := range r.Statements {
		reason := s.Reason
		if reason == "" {
			reason = "-"
		}
		row(w, s.Worker.String()[:14], s.Task.String()[:14], s.Slot, proofs.Verdict{Kind: s.Verdict.Kind}, reason,
			decimal(s.Work, 9), decimal(s.Points, 9), s.Units, s.Contribution.CumulativeUnits)
	}
	for _, h := range r.Held {
		row(w, "held", h.Worker.String()[:14], h.Task.String()[:14], h.Slot, h.Verdict, heldText(h))
	}
	fmt.Fprintf(w, "dust %s of a total of %s, budget %s, policy %s\n", r.Dust, r.Total, e.Policy.Budget, r.PolicyHash)
}

// heldText says until when a claim's pay is held.
func heldText(h score.Held) string {
	text := fmt.Sprintf("%d of %d further claims are judged; paid at the latest at %s", h.Judged, h.Of, time.Unix(h.Until, 0).UTC().Format(time.RFC3339))
	if h.Waits != nil {
		text += fmt.Sprintf("; slot %d of job %s waits for its verdict", h.Waits.Slot, h.Waits.Job)
	}
	return text
}
