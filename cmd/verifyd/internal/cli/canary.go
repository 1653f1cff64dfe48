package cli

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/canary"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) canaryCommand() *cobra.Command {
	return group("canary", "Try the verifiers with claims of which the finding is known", a.canaryMakeCommand(), a.canaryCheckCommand())
}

// anyKind is a kind that is drawn.
const anyKind = "any"

func (a *app) canaryMakeCommand() *cobra.Command {
	var who worker
	var assignment, kind, sealed, out string
	kinds := []string{anyKind}
	for _, k := range canary.Kinds() {
		kinds = append(kinds, string(k))
	}
	cmd := &cobra.Command{
		Use:   "make JOB --assignment FILE --operator KEY.pub --data FILE --key WORKER --sealed FILE --out FOLDER",
		Short: "Train as a worker would, with lies that are written down apart",
		Long: `make does what train run does, and leaves the same files: a trace and a signed claim
under a throw-away key that has an assignment like any other. Go on with job
receipt, train answer and job opened, so that nobody tells it from other claims.

It is good; or bad, by one bit after one step; or cheap, by a jump to a state of
zeros and one back before the last segment; or any of them, which is drawn. What is
false about it goes to the file --sealed: keep that away from the claim. Its seal may
be published before the beacon, so that the answer cannot be another one later.`,
		Example: `  verifyd keys new throwaway.pem --role worker
  verifyd job assign throwaway.pem.pub --job job --registry registry --key operator.pem --out assignment.json
  verifyd canary make job --assignment assignment.json --operator operator.pem.pub \
      --data data.safetensors --key throwaway.pem --sealed answers/1.json --out trace`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(kinds, kind) {
				return usageError{fmt.Errorf("--kind %.40q: want one of %v", kind, kinds)}
			}
			return a.makeCanary(cmd.Context(), args[0], who, assignment, canary.Kind(kind), sealed, out)
		}),
	}
	who.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&assignment, "assignment", "", "the operator's assignment of a slot to the throw-away key")
	f.StringVar(&kind, "kind", anyKind, "what is false about it: good, bad, cheap, or any of them")
	f.StringVar(&sealed, "sealed", "", "file to write the answer to")
	f.StringVar(&out, "out", "", "folder to make for the trace and the claim")
	require(cmd, "assignment", "sealed", "out")
	complete(cmd, "kind", kinds...)
	return cmd
}

func (a *app) makeCanary(ctx context.Context, job string, who worker, assignment string, kind canary.Kind, sealed, out string) error {
	t, err := readOffer(job, who.operator)
	if err != nil {
		return err
	}
	if err := t.CheckMemory(uint64(who.maxMemory)); err != nil {
		return err
	}
	key, err := a.openKey(ctx, who.key, keys.Worker)
	if err != nil {
		return err
	}
	defer key.Close()
	assigned, err := readAssigned(t, assignment, key)
	if err != nil {
		return err
	}
	set, files, err := who.data.open(ctx, a, &t.Job.Data.Layout)
	if err != nil {
		return err
	}
	defer files.Close()
	w := canary.Work{Terms: t.Terms, Data: set, Assignment: assigned.file}
	if err := fresh(sealed); err != nil {
		return err
	}
	devices, err := a.devices(ctx)
	if err != nil {
		return err
	}
	w.Runner = devices.Runner()
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	random := rand.New(rand.NewChaCha8(seed))
	if kind == anyKind {
		kind = canary.Kinds()[random.IntN(len(canary.Kinds()))]
	}
	summary, answer, err := w.Make(ctx, kind, random, out)
	if err != nil {
		return err
	}
	file, err := answer.Encode()
	if err != nil {
		return err
	}
	if err := writeNew(sealed, file, 0o600); err != nil {
		return err
	}
	if err := leaveClaim(t, summary, assigned, key, out); err != nil {
		return err
	}
	a.note("the answer is in %s: keep it away from whoever verifies", sealed)
	view := struct {
		Claim string      `json:"claim"`
		Seal  merkle.Hash `json:"seal"`
	}{filepath.Join(out, verify.ClaimFile), canary.Seal(file)}
	return a.emit(view, func(w io.Writer) {
		row(w, "claim", view.Claim)
		row(w, "seal", view.Seal)
	})
}
