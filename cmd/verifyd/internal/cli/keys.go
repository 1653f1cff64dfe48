package cli

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
)

// references says what --key takes, for the help of commands.
const references = `A key is a path or file:PATH (PEM), age:PATH (PEM under a passphrase), env:NAME
(PEM in an environment variable), plugin:NAME:KEYID (the program
verifyd-signer-NAME on PATH) or pkcs11:... (RFC 7512, in builds with the tag
pkcs11). A passphrase is asked for on the terminal, or read from the file that
$VERIFYD_PASSPHRASE_FILE names. A key that was made elsewhere has no role: give it
one with keys certify, or with the reference, e.g. verifier=PATH.`

func (a *app) keysCommand() *cobra.Command {
	return group("keys", "Make, show and rotate keys", a.keysNewCommand(), a.keysShowCommand(), a.keysCertifyCommand(), a.keysRotateCommand(), a.keysSignersCommand())
}

func (a *app) keysNewCommand() *cobra.Command {
	var role, algorithm string
	cmd := &cobra.Command{
		Use:   "new FILE --role ROLE",
		Short: "Make a key in FILE and its public half in FILE.pub",
		Long: `new makes a key: in a file that only its owner may read, or with age:FILE under a
passphrase. A key certifies its role, by a signature in both files, and is refused in
any other: give each role its own.

The algorithm is p256, but ed25519 for the log. secp256k1 is for a verifier whose
ledger checks nothing else.`,
		Example: `  verifyd keys new operator.pem --role operator
  verifyd keys new age:verifier.age --role verifier`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			r, chosen, err := parseKind(role, algorithm)
			if err != nil {
				return usageError{err}
			}
			key, err := a.newKey(args[0], r, chosen)
			if err != nil {
				return err
			}
			return a.emitKey(keys.PublicPath(args[0]), key.Public(), r)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", "", "what it is for: operator, worker, verifier, policy, log or transport")
	f.StringVar(&algorithm, "alg", "", "p256, secp256k1 or ed25519; the role's own if not given")
	_ = cmd.MarkFlagRequired("role") // fails only for a flag that is not there
	complete(cmd, "role", names(keys.Roles())...)
	complete(cmd, "alg", names(keys.Algorithms())...)
	return cmd
}

// names are strings of a kind as plain ones.
func names[T ~string](values []T) []string {
	plain := make([]string, len(values))
	for i, v := range values {
		plain[i] = string(v)
	}
	return plain
}

// parseKind reads a role and an algorithm, either of which may be empty.
func parseKind(role, algorithm string) (r keys.Role, a keys.Algorithm, err error) {
	if role != "" {
		if r, err = keys.ParseRole(role); err != nil {
			return "", "", fmt.Errorf("--role: %w", err)
		}
	}
	if algorithm == "" {
		return r, r.Default(), nil
	}
	a = keys.Algorithm(algorithm)
	if err := r.Allows(a); err != nil {
		return "", "", fmt.Errorf("--alg: %w", err)
	}
	return r, a, nil
}

// newKey makes a key.
func (a *app) newKey(ref string, role keys.Role, algorithm keys.Algorithm) (*keys.Signer, error) {
	key, err := a.keyring().New(ref, role, algorithm)
	if errors.Is(err, fs.ErrExist) {
		return nil, hint(err, "a key is never replaced; choose another name")
	}
	return key, explainKey(err, ref, role)
}

func (a *app) keysShowCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "show FILE.pub|KEY",
		Short: "Print the id, algorithm and role of a key",
		Long: `show reads the file of a public key, or asks a key that does not lie in a plain
file, and can write the public half of that one.

` + references,
		Example: `  verifyd keys show verifier.pem.pub
  verifyd keys show plugin:file:verifier --out verifier.pub`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			path := args[0]
			pub, role, file, err := a.lookAt(cmd.Context(), path)
			if err != nil {
				return err
			}
			if out != "" {
				if err := writeNew(out, file, 0o644); err != nil {
					return err
				}
				path = out
			}
			return a.emitKey(path, pub, role)
		}),
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write the public key to; it must not exist")
	return cmd
}

// lookAt is the public half of a key, from its own file or from the key, its
// role, and its file.
func (a *app) lookAt(ctx context.Context, ref string) (pub crypto.PublicKey, role keys.Role, file []byte, err error) {
	if keys.InPlainFile(ref) {
		p, err := keys.ReadPublic(ref, "")
		if err != nil {
			return nil, "", nil, explainPublic(err, ref, "")
		}
		file, err := p.File()
		return p.Key, p.Role, file, err
	}
	key, err := a.openKey(ctx, ref, "")
	if err != nil {
		return nil, "", nil, err
	}
	defer key.Close()
	file, err = key.PublicFile()
	return key.Public(), key.Role(), file, err
}

func (a *app) emitKey(path string, pub crypto.PublicKey, role keys.Role) error {
	id, err := proofs.KeyID(pub)
	if err != nil {
		return err
	}
	algorithm, err := keys.AlgorithmOf(pub)
	if err != nil {
		return err
	}
	view := struct {
		KeyID     proofs.Hash    `json:"keyId"`
		Algorithm keys.Algorithm `json:"algorithm"`
		Role      keys.Role      `json:"role"`
		PublicKey string         `json:"publicKey"`
	}{id, algorithm, role, path}
	return a.emit(view, func(w io.Writer) {
		row(w, "key id", view.KeyID)
		row(w, "algorithm", view.Algorithm)
		if role != "" {
			row(w, "role", role)
		}
		row(w, "public key", view.PublicKey)
	})
}

func (a *app) keyring() keys.Keyring {
	return keys.Keyring{Passphrase: keys.AskPassphrase(a.stderr)}
}

// openKey opens a key that something is to be signed with. Close it when done.
func (a *app) openKey(ctx context.Context, ref string, role keys.Role, bound ...keys.Binding) (*keys.Signer, error) {
	key, err := a.keyring().Open(ctx, ref, role, bound...)
	return key, explainKey(err, ref, role)
}

// explainKey adds to an error about a key what to do.
func explainKey(err error, ref string, role keys.Role) error {
	var mode *keys.ModeError
	var form *keys.FormatError
	switch {
	case errors.As(err, &mode):
		return hint(err, "chmod 600 %s", mode.Path)
	case errors.As(err, &form):
		path := strings.TrimSuffix(keys.PublicPath(ref), keys.PublicSuffix)
		return hint(err, "%s", strings.NewReplacer("FILE", path, "ROLE", cmp.Or(string(role), "ROLE")).Replace(form.Remedy))
	case errors.Is(err, keys.ErrNoRole):
		named := cmp.Or(string(role), "ROLE")
		return hint(err, "give it one for good with verifyd keys certify KEY --role %s, or here with %s=%s", named, named, ref)
	case errors.Is(err, keys.ErrRole) && role != "":
		return hint(err, "make one with verifyd keys new FILE --role %s", role)
	case errors.Is(err, keys.ErrPassphrase):
		return hint(err, "name a file of mode 0600 that holds it in $%s, or run verifyd on a terminal", keys.PassphraseFile)
	case errors.Is(err, keys.ErrNoPKCS11):
		return hint(err, "build it with CGO_ENABLED=1 go build -tags pkcs11 ./cmd/verifyd")
	}
	return err
}

// readPublic reads the public key of a role and, given a private one, says
// where its public half is.
func readPublic(path string, role keys.Role, bound ...keys.Binding) (crypto.PublicKey, error) {
	key, err := keys.ReadPublic(path, role, bound...)
	if err != nil {
		return nil, explainPublic(err, path, role)
	}
	return key.Key, nil
}

func explainPublic(err error, ref string, role keys.Role) error {
	if errors.Is(err, keys.ErrPrivateWhereKeyIsPublic) {
		return hint(err, "its public half is in %s", keys.PublicPath(ref))
	}
	return explainKey(err, ref, role)
}
