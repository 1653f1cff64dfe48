package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

// valueScoreOptions are what a certificate is held against.
type valueScoreOptions struct {
	files                              valuation.RoundFiles
	claims, policy, operator, verifier string
	jobs, verdicts                     []string
	key, out                           string
	checks                             uint64
	logged                             loggedOptions
}

func (a *app) valueScoreCommand() *cobra.Command {
	var o valueScoreOptions
	cmd := &cobra.Command{
		Use:   "score FOLDER --claims FILE --policy FILE --job FOLDER --operator KEY.pub --verdict FILE... --verifier KEY.pub --base FILE --update FILE... --validation FILE --key KEY --out FILE",
		Short: "Audit a certificate and turn it into the values that verifyd score takes",
		Long: `score trusts nothing in a certificate. It must be of the list of claims that the
operator froze, with the estimator and the beacon's round that follow from it; every
claim of the list must have a PASS, of the worker, job, slot and final state that it
names, in jobs of the list's pool and policy; the updates must be those states, and
the validation rows the policy's. Then all arithmetic is done again, and utilities of
the transcript, drawn here and now, are computed again: --checks of them, or all. One
thing that does not fit, and nothing is written.

The values are whole units of 1e-9, as a contribution proof states them. Each is the
exact value rounded down or up so that all of them add up to what the round as a
whole achieved, and nothing is paid twice or lost. Standard errors are rounded up.
The file names the list and the certificate and is signed by --key: whoever doubts it
runs the same and gets the same values.

What shows when the list was frozen is what its jobs ask for: where they name a log
that is --log-proof, and where they name witnesses, these must have seen it in time.`,
		Example: `  verifyd value score value7 --claims claims7.json --policy policy.json --job job \
      --operator operator.pem.pub --verdict alice.json --verdict bob.json --verifier verifier.pem.pub \
      --base round7.safetensors --update alice.safetensors --update bob.safetensors \
      --validation validation.safetensors --key verifier.pem --out values.json
  verifyd score alice.json bob.json --values values.json ...`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			key, err := a.openValuer(cmd.Context(), o.key, o.out)
			if err != nil {
				return err
			}
			defer key.Close()
			return a.onDevice(cmd.Context(), func(device engine.Device) error { return a.valueScore(cmd.Context(), device, args[0], key, o) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.claims, "claims", "", "list of claims that the operator froze")
	f.StringVar(&o.policy, "policy", "", "scoring policy, the one that the jobs name")
	f.StringArrayVar(&o.jobs, "job", nil, "folder of a job; repeat for each job")
	f.StringVar(&o.operator, "operator", "", "operator's public key (PEM)")
	f.StringArrayVar(&o.verdicts, "verdict", nil, "verdict on a claim of the list; repeat for each")
	f.StringVar(&o.verifier, "verifier", "", "public key (PEM) of the verifier that signed the verdicts")
	f.StringVar(&o.files.Base, "base", "", "state that the jobs begin with (safetensors)")
	f.StringArrayVar(&o.files.Updates, "update", nil, "state that a worker trained to (safetensors); repeat for each claim, in any order")
	f.StringVar(&o.files.Validation, "validation", "", "the policy's validation rows, x and y (safetensors)")
	f.Uint64Var(&o.checks, "checks", 459, "utilities to compute again")
	f.StringVar(&o.key, "key", "", "verifier's private key, to sign the values with")
	f.StringVar(&o.out, "out", "", "file to write, which must not exist")
	o.logged.flags(cmd)
	require(cmd, "claims", "policy", "job", "operator", "verdict", "verifier", "base", "update", "validation", "key", "out")
	return cmd
}

func (a *app) valueScore(ctx context.Context, device engine.Device, dir string, key crypto.Signer, o valueScoreOptions) error {
	ro, p, err := a.bound(&o)
	if err != nil {
		return err
	}
	if ro.randomness, err = valuation.RandomnessIn(dir, ro.list); err != nil {
		return err
	}
	g, err := ro.open(ctx, a, device, ro.list.Way.Control)
	if err != nil {
		return err
	}
	defer g.close()
	var drawn [32]byte
	if _, err := rand.Read(drawn[:]); err != nil {
		return err
	}
	played := valuation.Played{Game: g.game, Root: g.root, Control: g.control, Extra: g.extra}
	c, audit, err := valuation.Confirm(ctx, dir, ro.list, ro.digest, played, drawn, o.checks)
	if err != nil {
		return err
	}
	a.warnDoubts(c)
	values, err := valuesOf(c, ro.list, p)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := writeValues(o.out, values, key); err != nil {
		return err
	}
	if c.Source == beacon.Fixed {
		a.note("the randomness is that of a fixed chain, which the operator knew: this is for trials")
	}
	return a.emitScored(o.out, values, audit)
}

// bound is the round of a list that was bound to policy, jobs, verdicts and log, and the policy.
func (a *app) bound(o *valueScoreOptions) (*roundOptions, *policy.Policy, error) {
	p, err := readPolicy(o.policy)
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
	ro := &roundOptions{files: o.files}
	ro.files.Program = filepath.Join(o.jobs[0], verify.ProgramFile)
	if ro.list, ro.digest, err = readClaims(o.claims, operator); err != nil {
		return nil, nil, err
	}
	jobs, err := readJobs(o.jobs, operator)
	if err != nil {
		return nil, nil, err
	}
	var verdicts []*verify.Verdict
	for _, file := range o.verdicts {
		data, err := readFile(file, document.MaxSize)
		if err != nil {
			return nil, nil, err
		}
		v, err := verify.ReadVerdict(file, data, verifier)
		if err != nil {
			return nil, nil, err
		}
		verdicts = append(verdicts, v)
	}
	if err := ro.list.Bind(jobs, p, verdicts); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.claims, err)
	}
	return ro, p, a.checkLogged(&o.logged, o.claims, operator, jobs, ro.list, ro.digest)
}

// valuesOf are the values of a certificate that was confirmed, each its claim's, in the list's order.
// Under a policy that deducts a margin they must say how sure they are: no standard error is not one of 0.
func valuesOf(c *valuation.Certificate, list *valuation.Claims, p *policy.Policy) (*score.Values, error) {
	if p.Metrics.Value.Margin > 0 && c.Result.Interval == shapley.IntervalNone {
		return nil, fmt.Errorf("certificate: intervals: %s with a budget of %d has none, and the policy deducts a margin", c.Result.Estimator, c.Result.Budget)
	}
	certificate, err := c.Digest()
	if err != nil {
		return nil, err
	}
	hash := func(h merkle.Hash) policy.Hash { return policy.Hash{Hash: proofs.Hash(h)} }
	values := &score.Values{
		Version: score.ValuesVersion, Policy: hash(list.Policy), Validation: hash(list.Validation), List: hash(c.Claimed.Digest), Certificate: hash(certificate),
	}
	worth, stdErr, err := valuation.Divided(c, list)
	if err != nil {
		return nil, err
	}
	for i, fixed := range worth {
		l := list.Claims[i]
		v := score.Value{Worker: hash(l.Worker), Task: hash(l.Job), Slot: l.Slot}
		if v.Value.Int128, err = proofs.ParseInt128(fixed.String()); err != nil {
			return nil, fmt.Errorf("value of claim %v: %w", l.Claim, err)
		}
		if len(stdErr) > 0 {
			v.StdErr.Uint128 = proofs.Uint(stdErr[i])
		}
		values.Values = append(values.Values, v)
	}
	return values, nil
}

// emitScored prints what the audit rests on.
func (a *app) emitScored(path string, values *score.Values, audit *shapley.Audit) error {
	view := struct {
		*shapley.Audit
		File   string `json:"file"`
		Values int    `json:"values"`
	}{audit, path, len(values.Values)}
	return a.emit(view, func(w io.Writer) {
		row(w, "values", fmt.Sprintf("%d in %s", view.Values, view.File))
		row(w, "arithmetic", "right, from "+fmt.Sprint(audit.Leaves)+" utilities")
		row(w, "computed again", fmt.Sprintf("%d, none of them altered", audit.Checked))
		for _, m := range audit.Missed {
			row(w, fmt.Sprintf("%d altered", m.Altered), "would be missed with probability "+m.Probability)
		}
	})
}
