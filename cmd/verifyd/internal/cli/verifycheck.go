package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// checkedView is a verdict that holds against a replay, in JSON.
type checkedView struct {
	Outcome  verify.Outcome `json:"outcome"`
	Reason   verify.Reason  `json:"reason"`
	Evidence merkle.Hash    `json:"evidence"`
	Verifier merkle.Hash    `json:"verifier"`
	Imprints int            `json:"imprints"` // as the replay leaves them
}

// checkVerdict holds another verifier's verdict against a replay.
func (a *app) checkVerdict(ctx context.Context, bundle string, operator document.Key, o verifyOptions) error {
	verifier, err := readKey(o.verifier, keys.Verifier)
	if err != nil {
		return err
	}
	signed, err := readFile(o.check, document.MaxSize)
	if err != nil {
		return err
	}
	v, err := verify.ReadVerdict(o.check, signed, verifier)
	if err != nil {
		return err
	}
	devices, err := a.devices(ctx)
	if err != nil {
		return err
	}
	judge := a.judge(operator, verifier.ID(), o, devices)
	if err := judge.Check(ctx, bundle, v, verifier, a.progress("replaying")); err != nil {
		return err
	}
	found := checkedView{v.Finding.Outcome, v.Finding.Reason, v.Evidence, verifier.ID(), len(v.Imprints)}
	return a.emit(found, func(w io.Writer) {
		row(w, "verdict", "holds")
		row(w, "outcome", v.Finding.Outcome)
		row(w, "evidence", v.Evidence)
		imprintText(w, v)
	})
}

// imprintText says whose imprints a verdict holds.
func imprintText(w io.Writer, v *verify.Verdict) {
	switch {
	case len(v.Imprints) > 0:
		row(w, "imprints", fmt.Sprintf("of %d segments, by %s", len(v.Imprints), v.Verifier))
	case v.Finding.Replayed == 0:
		row(w, "imprints", "none: no segment was replayed")
	default:
		row(w, "imprints", "none: judged without --key")
	}
}
