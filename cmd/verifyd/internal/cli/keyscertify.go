package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
)

func (a *app) keysCertifyCommand() *cobra.Command {
	var role, out string
	cmd := &cobra.Command{
		Use:   "certify KEY --role ROLE",
		Short: "Give a key that was made elsewhere its role",
		Long: `certify has a key sign what it is for, and writes its public half with that
certificate: to FILE.pub beside a key in FILE, where it speaks for the private key
too, or to --out. A key that has a role keeps it.

` + references,
		Example: `  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out verifier.pem
  verifyd keys certify verifier.pem --role verifier
  verifyd keys certify plugin:kms:key7 --role log --out log.pem.pub`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			r, err := keys.ParseRole(role)
			if err != nil {
				return usageError{fmt.Errorf("--role: %w", err)}
			}
			path := out
			if path == "" {
				if !keys.InFile(args[0]) {
					return usageError{errors.New("--out is needed for a key that is not in a file")}
				}
				path = keys.PublicPath(args[0])
			}
			key, err := a.keyring().Certify(cmd.Context(), args[0], r, path)
			if errors.Is(err, fs.ErrExist) {
				return hint(err, "move it away, or choose another name with --out")
			}
			if err != nil {
				return explainKey(err, args[0], "")
			}
			defer key.Close()
			return a.emitKey(path, key.Public(), r)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", "", "what it is for: operator, worker, verifier, policy, log or transport")
	f.StringVar(&out, "out", "", "file to write the public half to; it must not exist")
	_ = cmd.MarkFlagRequired("role") // fails only for a flag that is not there
	complete(cmd, "role", names(keys.Roles())...)
	return cmd
}
