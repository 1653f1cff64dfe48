package cli

import (
	"context"
	"crypto"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/verify/document"
)

func (a *app) valueSignCommand() *cobra.Command {
	var policy, key, out string
	cmd := &cobra.Command{
		Use:   "sign MEASURED.json --policy FILE --key KEY --out FILE",
		Short: "Sign what was measured of claims beside their values",
		Long: `sign makes of a valuer's measurements the document that verifyd score takes:
improvement on the validation set, quality of data, and claims that are withheld for
one of the policy's own reasons. They are the word of whoever signs. A value is
nobody's word: value score makes it from a certificate.

The file has its fields in this order, rows in that of their hashes; amounts are
decimal strings, 1000000000 is 1:

  {"rows":[{"improvement":"20000000","quality":900000000,"slot":0,"stdErr":"0",
    "task":"0xJOB","value":"0","withheld":0,"worker":"0xKEYID"}],
   "version":"verifyd-measured/1"}`,
		Example: `  verifyd value sign measured.json --policy policy.json --key verifier.pem --out values.json`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			p, err := readPolicy(policy)
			if err != nil {
				return err
			}
			data, err := readFile(args[0], document.MaxSize)
			if err != nil {
				return err
			}
			values, err := score.ParseMeasured(args[0], data, p)
			if err != nil {
				return err
			}
			signer, err := a.openValuer(cmd.Context(), key, out)
			if err != nil {
				return err
			}
			defer signer.Close()
			if err := writeValues(out, values, signer); err != nil {
				return err
			}
			view := struct {
				File   string `json:"file"`
				Claims int    `json:"claims"`
			}{out, len(values.Values)}
			return a.emit(view, func(w io.Writer) { row(w, "measured", fmt.Sprintf("%d claims in %s", view.Claims, view.File)) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&policy, "policy", "", "scoring policy, the one that the jobs name")
	f.StringVar(&key, "key", "", "verifier's private key")
	f.StringVar(&out, "out", "", "file to write; it must not exist")
	require(cmd, "policy", "key", "out")
	return cmd
}

// openValuer opens the key that values are signed with, for a file that does not exist yet.
func (a *app) openValuer(ctx context.Context, ref, out string) (*keys.Signer, error) {
	if err := fresh(out); err != nil {
		return nil, err
	}
	return a.openKey(ctx, ref, keys.Verifier)
}

// writeValues signs values and writes them.
func writeValues(out string, values *score.Values, valuer crypto.Signer) error {
	signed, err := values.Sign(valuer)
	if err != nil {
		return err
	}
	return writeNew(out, signed, 0o644)
}
