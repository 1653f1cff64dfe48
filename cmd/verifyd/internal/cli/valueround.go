package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

// roundOptions are a round's files and what it is judged by.
type roundOptions struct {
	files        valuation.RoundFiles
	sizes        []uint
	accuracy     bool
	renormalised bool
	claims       string            // file
	operator     string            // file
	list         *valuation.Claims // nil for research, as the next
	digest       merkle.Hash       // of the list
	owners       []string          // of the workers, for research
	fair         bool              // as in valuation.Way, like the next
	rows         uint32
	randomness   merkle.Hash // that draws the rows
}

func (o *roundOptions) flags(cmd *cobra.Command) {
	o.fileFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.accuracy, "accuracy", false, "judge by the share of rows predicted rightly instead of by the loss")
	f.BoolVar(&o.renormalised, "renormalised", false, "average within each coalition, as FedSV and GTG-Shapley do; WARNING: this pays free riders")
	f.StringSliceVar(&o.owners, "worker-owners", nil, "of a fair round: the owner of each worker, with commas")
	f.StringVar(&o.claims, "claims", "", "frozen list of the claims that are valued, which says all that is not a file; see verifyd value freeze")
	f.StringVar(&o.operator, "operator", "", "with --claims: the operator's public key (PEM)")
	cmd.MarkFlagsRequiredTogether("claims", "operator")
	for _, chosen := range []string{"sizes", "accuracy", "renormalised", "worker-owners"} {
		cmd.MarkFlagsMutuallyExclusive("claims", chosen)
	}
}

// readClaims reads the list, where one is given.
func (o *roundOptions) readClaims() (err error) {
	if o.claims == "" {
		return nil
	}
	operator, err := readKey(o.operator, keys.Operator)
	if err != nil {
		return err
	}
	o.list, o.digest, err = readClaims(o.claims, operator)
	return err
}

// readClaims reads a list that the operator froze.
func readClaims(path string, operator document.Key) (*valuation.Claims, merkle.Hash, error) {
	data, err := readFile(path, document.MaxSize)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	return valuation.ReadClaims(path, data, operator)
}

// fileFlags are those of the round's files alone.
func (o *roundOptions) fileFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.files.Program, "program", "", "program of the job (JSON)")
	f.StringVar(&o.files.Base, "base", "", "state before the round (safetensors)")
	f.StringArrayVar(&o.files.Updates, "update", nil, "state that a worker trained to (safetensors); repeat for each worker, in an order that does not change")
	f.UintSliceVar(&o.sizes, "sizes", nil, "rows that each worker trained on, as verified: the weights of their updates")
	f.StringVar(&o.files.Validation, "validation", "", "validation rows, x and y (safetensors)")
}

// roundFlags are those that a round cannot do without.
var roundFlags = []string{"program", "base", "update", "sizes", "validation"}

func (o *roundOptions) open(ctx context.Context, a *app, device engine.Device, control bool) (*openGame, error) {
	if control && (o.accuracy || o.renormalised) {
		return nil, usageError{errors.New("--control: only the game of the loss with fixed weights has a quadratic surrogate")}
	}
	if o.renormalised {
		a.log.Warn("renormalised weights pay free riders: a worker without an update is worth more than 0")
	}
	r, ro, err := o.read(device)
	if err != nil {
		return nil, err
	}
	fitted, err := o.fit(ctx, r)
	if err != nil {
		return nil, err
	}
	ro.Harmless = o.fair || o.list != nil && o.list.Way.Fair
	g, err := round.New(ctx, *r, ro)
	if err != nil {
		return nil, err
	}
	opened := &openGame{kind: valuation.RoundKind, title: "Value of the round's updates", game: g, root: g.Root(), players: o.files.Names(), close: g.Close}
	if o.list != nil {
		opened.players = o.list.Players()
	}
	for _, x := range g.Isolated() {
		a.log.Warn("an update is isolated: it is worth 0", "player", opened.players[x.Player], "why", x.Reason)
	}
	played := g.Played()
	if control {
		opened.control, err = surrogateOf(ctx, &played, ro)
	}
	if err != nil {
		g.Close()
		return nil, err
	}
	opened.extra = func(seed shapley.Seed) (e *valuation.Extra, err error) {
		e = &valuation.Extra{Drawn: fitted.Drawn, Joined: fitted.Joined, Isolated: g.Isolated()}
		if e.Second, err = secondOf(ctx, &played, ro, g); err == nil && g.Rows() > 1 {
			e.ValidationError, err = g.ValidationError(ctx, seed)
		}
		return e, err
	}
	return opened, nil
}

// read reads a round's files, for a game on a device.
func (o *roundOptions) read(device engine.Device) (*round.Round, round.Options, error) {
	for flag, file := range map[string]string{"program": o.files.Program, "base": o.files.Base, "validation": o.files.Validation} {
		if file == "" {
			return nil, round.Options{}, usageError{fmt.Errorf("--%s is missing: the game is a round", flag)}
		}
	}
	if o.list != nil {
		r, err := o.files.ReadClaimed(o.list)
		return r, round.Options{Device: device}, err
	}
	o.files.Sizes = nil
	for _, n := range o.sizes {
		o.files.Sizes = append(o.files.Sizes, uint64(n))
	}
	ro := round.Options{Renormalised: o.renormalised, Device: device}
	if o.accuracy {
		ro.Utility = round.Accuracy
	}
	r, err := o.files.Read()
	return r, ro, err
}

// fit has the way to the values choose among rows and updates.
func (o *roundOptions) fit(ctx context.Context, r *round.Round) (*valuation.Extra, error) {
	w, owners := valuation.Way{Fair: o.fair, Rows: o.rows}, o.owners
	switch {
	case o.list != nil:
		w, owners = o.list.Way, o.list.Owners()
	case len(owners) > 0 && !o.fair:
		return nil, usageError{errors.New("--worker-owners needs --fair: else every worker is a player")}
	case len(owners) > 0 && len(owners) != len(r.Updates):
		return nil, usageError{fmt.Errorf("--worker-owners: %d given for %d updates", len(owners), len(r.Updates))}
	}
	return w.Fit(ctx, r, owners, o.randomness, o.digest)
}

// surrogateOf is a round's control variate.
func surrogateOf(ctx context.Context, r *round.Round, ro round.Options) (*shapley.Control, error) {
	s, err := round.NewSurrogate(ctx, *r, ro)
	if err != nil {
		return nil, err
	}
	c := &shapley.Control{Game: s}
	for _, v := range s.Values() {
		c.Values = append(c.Values, big.NewRat(v, 1))
	}
	return c, nil
}

// secondOf is the closed form of a round that has one: none of the updates explodes, but a product with the curvature may
// still be beyond the scale. It is left out then; the estimate does without.
func secondOf(ctx context.Context, r *round.Round, o round.Options, g *round.Game) (*valuation.Second, error) {
	if o.Utility != round.Loss || o.Renormalised {
		return nil, nil
	}
	s, err := round.SecondOrder(ctx, *r, o)
	if errors.Is(err, shapley.ErrOverflow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gap, err := s.Gap(ctx, g)
	return &valuation.Second{Values: s.Values, Gap: gap}, err
}

func (a *app) valueRoundCommand() *cobra.Command {
	var ro roundOptions
	var eo estimateOptions
	var public string
	cmd := &cobra.Command{
		Use:   "round --program FILE --base FILE --update FILE... --validation FILE [--claims FILE --beacon FILE | --sizes N,N... --randomness HEX]",
		Short: "Value the workers' updates of a training round",
		Long: `round values what each worker's update did for the loss on the validation rows:
U(S) = L(w0) - L(w0 + sum of a_i d_i over S), with weights a_i fixed over all
workers. A worker without an update gets exactly 0. Two names for one update are
worth what one is, but a policy that pays no value below zero pays more for two that
are set against each other: --fair values owners, at one length, and the defaults of
policy new ask for it.

The certificate has the closed second order of the round, from three gradients and
no coalition, with the gap that it leaves, beside the estimate: antithetic pairs of
permutations, 16 unless --budget says otherwise, or all coalitions where they are
fewer. An update that explodes is isolated and named; the others are valued without.

With --claims nothing is left to choose: the list that the operator froze names the
claims, their final states, the rows, the estimator and, with --beacon, the
randomness. Only such a certificate can be paid; one with --randomness is research.

With --out the transcript is kept, an interrupted run goes on where it stopped
and ends with the same bytes, and verifyd value audit checks it.`,
		Example: `  verifyd value round --program program.json --base round7.safetensors \
      --update alice.safetensors --update bob.safetensors --validation validation.safetensors \
      --claims claims7.json --operator operator.pem.pub --beacon beacon7.json --out value7 --plot value7.svg`,
		Args: cobra.NoArgs,
		RunE: a.runs(func(cmd *cobra.Command, _ []string) error {
			if err := ro.readClaims(); err != nil {
				return err
			}
			if ro.list == nil && len(ro.sizes) == 0 {
				return usageError{errors.New("--claims or --sizes is missing: updates have weights")}
			}
			if ro.list != nil {
				data, err := readFile(public, document.MaxSize)
				if err != nil {
					return err
				}
				b, err := document.Decode[beacon.Beacon](public, data)
				if err != nil {
					return err
				}
				if ro.randomness, err = ro.list.Randomness(b); err != nil {
					return err
				}
				eo.claimed = &valuation.Claimed{Digest: ro.digest, List: *ro.list, Beacon: b}
				eo.estimator, eo.control = ro.list.Way.Estimator, ro.list.Way.Control
			}
			if eo.fair, eo.rows = ro.fair, ro.rows; ro.list == nil && ro.rows > 0 {
				var err error
				if ro.randomness, err = merkle.ParseHash(eo.randomness); err != nil {
					return usageError{fmt.Errorf("--randomness: %w: it draws the rows", err)}
				}
			}
			return a.estimate(cmd.Context(), &ro, eo)
		}),
	}
	ro.flags(cmd)
	eo.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&ro.fair, "fair", false, "value owners, not names: workers of one owner, or with parallel or opposite updates, play as one, and all updates have one length")
	f.Uint32Var(&ro.rows, "draw", 0, "judge by so many of the validation rows, which the randomness draws; all of them if not given")
	f.StringVar(&public, "beacon", "", "with --claims: the beacon of the round that follows from the list")
	f.BoolVar(&eo.control, "control", false, "use the round's quadratic surrogate as a control variate (64 workers at most)")
	cmd.MarkFlagsRequiredTogether("claims", "beacon")
	for _, chosen := range []string{"randomness", "estimator", "budget", "level", "target", "tolerance", "alpha", "beta", "control", "fair", "draw"} {
		cmd.MarkFlagsMutuallyExclusive("claims", chosen)
	}
	require(cmd, "program", "base", "update", "validation")
	return cmd
}
