package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// freezeOptions are what a list of claims is made from.
type freezeOptions struct {
	policy, key, out string
	registry, roster string // folder and file
	jobs             []string
	way              estimateOptions
	log              recorder
}

func (a *app) valueFreezeCommand() *cobra.Command {
	var o freezeOptions
	cmd := &cobra.Command{
		Use:   "freeze CLAIM... --job FOLDER --policy FILE --registry FOLDER --key OPERATOR --out FILE",
		Short: "Sign the list of the claims that are valued together, before the randomness is known",
		Long: `freeze signs which claims are valued together and how: their final states and
weights, the policy's validation rows, the estimator with its parameters, and the
time. The beacon's round follows from that time and the longest delay of the jobs,
two periods at least, so that nobody chooses the randomness of the estimate.

Freeze the list once the claims have passed: one that did not keeps the whole list
from being paid. A claim is on one list, ever, which the registry remembers that gave
it its receipt; asked again for the same list, freeze gives it again. The time is the operator's word. What bears it out is a log with
witnesses that has the list before the round: give --log.`,
		Example: `  verifyd value freeze traces/*/claim.json --job job --policy policy.json --key operator.pem \
      --registry registry --budget 16 --out claims7.json --log log --log-key log.pem`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.valueFreeze(cmd.Context(), args, o) }),
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.jobs, "job", nil, "folder of a job; repeat for each job")
	f.StringVar(&o.policy, "policy", "", "scoring policy, the one that the jobs name")
	f.StringVar(&o.key, "key", "", "operator's private key")
	f.StringVar(&o.out, "out", "", "file to write; it must not exist")
	o.way.wayFlags(cmd)
	f.BoolVar(&o.way.control, "control", false, "use the round's quadratic surrogate as a control variate (64 workers at most)")
	f.StringVar(&o.roster, "roster", "", "owners of workers, as verifyd score takes them: with a way that is fair an owner is valued as one")
	f.BoolVar(&o.way.fair, "fair", false, "value owners, not names, and all updates at one length; where the policy says how values come about it says this too")
	f.Uint32Var(&o.way.rows, "draw", 0, "judge by so many of the validation rows, which the list's beacon draws; where the policy says how values come about it says this too")
	registryFlag(cmd, &o.registry)
	o.log.flags(cmd)
	require(cmd, "job", "policy", "key", "out")
	return cmd
}

func (a *app) valueFreeze(ctx context.Context, files []string, o freezeOptions) error {
	if err := fresh(o.out); err != nil {
		return err
	}
	e, err := o.way.named()
	if err != nil {
		return err
	}
	key, err := a.openKey(ctx, o.key, keys.Operator, inJobs(o.jobs...))
	if err != nil {
		return err
	}
	defer key.Close()
	operator, err := keyOf(key)
	if err != nil {
		return err
	}
	p, err := readPolicy(o.policy)
	if err != nil {
		return err
	}
	jobs, err := readJobs(o.jobs, operator)
	if err != nil {
		return err
	}
	var claims, assignments [][]byte
	for _, file := range files {
		data, err := readFile(file, document.MaxSize)
		if err != nil {
			return err
		}
		assignment, err := readFile(filepath.Join(filepath.Dir(file), verify.AssignmentFile), document.MaxSize)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		claims, assignments = append(claims, data), append(assignments, assignment)
	}
	list, err := o.freeze(jobs, p, e, claims, assignments)
	if err != nil {
		return err
	}
	signed, err := list.Sign(key)
	if err != nil {
		return err
	}
	_, digest, err := valuation.ReadClaims(o.out, signed, operator)
	if err != nil {
		return err
	}
	if err := a.recorded(ctx, o.log, [][]byte{signed}, func() error { return writeNew(o.out, signed, 0o644) }); err != nil {
		return err
	}
	return a.emitList(o.out, list, digest)
}

// freeze makes the list, which the registry remembers, and refuses to sign one that the jobs' log will not have.
func (o *freezeOptions) freeze(jobs valuation.Jobs, p *policy.Policy, e shapley.Estimator, claims, assignments [][]byte) (*valuation.Claims, error) {
	remembers, err := openRegistry(o.registry)
	if err != nil {
		return nil, err
	}
	advised, _ := e.Advised(shapley.Facts{}, len(claims), o.way.level) // a round of losses has no bounds
	if by := p.Metrics.Value.By; by != nil {
		advised = int(by.Budget) // there is no other
		o.way.fair, o.way.rows = by.Fair, by.Rows
	}
	owners := map[merkle.Hash]merkle.Hash{}
	roster, err := optional(o.roster, score.ParseRoster)
	if err != nil {
		return nil, err
	}
	if roster != nil {
		for _, w := range roster.Workers {
			owners[merkle.Hash(w.Worker.Hash)] = merkle.Hash(w.Owner.Hash)
		}
	}
	list, err := valuation.List(jobs, p, o.way.way(e, advised), claims, assignments, owners, time.Now().Unix())
	if err != nil {
		return nil, err
	}
	log, err := list.Log(jobs)
	if err != nil {
		return nil, err
	}
	if err := fitsLog(log, o.log.folder); err != nil {
		return nil, err
	}
	_, err = list.Freeze(remembers)
	return list, err
}

// readJobs reads the jobs that the operator signed, in folders.
func readJobs(folders []string, operator document.Key) (valuation.Jobs, error) {
	jobs := valuation.Jobs{}
	for _, dir := range folders {
		t, err := readOfferBy(dir, operator)
		if err != nil {
			return nil, err
		}
		jobs[t.Digest] = t.Terms
	}
	return jobs, nil
}

// emitList prints which value of the beacon the estimate will follow from.
func (a *app) emitList(path string, c *valuation.Claims, digest merkle.Hash) error {
	view := struct {
		List   string      `json:"list"`
		Digest merkle.Hash `json:"digest"`
		Claims int         `json:"claims"`
		Frozen time.Time   `json:"frozen"`
		Beacon string      `json:"beacon"`
		Round  uint64      `json:"round"`
	}{path, digest, len(c.Claims), time.Unix(c.Frozen, 0).UTC(), c.Beacon.Name, c.Round()}
	return a.emit(view, func(w io.Writer) {
		row(w, "list", view.List)
		row(w, "digest", view.Digest)
		row(w, "claims", view.Claims)
		row(w, "frozen", view.Frozen.Format(time.RFC3339))
		row(w, "beacon", fmt.Sprintf("%s, round %d", view.Beacon, view.Round))
	})
}
