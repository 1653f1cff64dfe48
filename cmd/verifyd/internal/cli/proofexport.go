package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/export"
)

// exportOptions are what the forms need beside the proof.
type exportOptions struct {
	format, out, key   string
	attester, contract string
	contractVersion    string
	chain              uint64
	pool               string
}

// The forms that a proof can be exported to.
const (
	formInToto = "in-toto"
	formCOSE   = "cose"
	formEAS    = "eas"
	formCSV    = "csv"
)

func (a *app) proofExportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export FILE --format FORM --out FILE",
		Short: "Write a contribution in another system's form, or a leaf file as a claim list",
		Long: `export writes what a proof states in the form of another system. The signature is a
new one, because every system signs other bytes; who signed the proof itself is not
asked here: use verifyd proof verify before.

  in-toto  a Statement v1 in a DSSE envelope, signed by --key
  cose     a COSE_Sign1, signed by --key (P-256 or Ed25519)
  eas      an EAS off-chain attestation, signed by the secp256k1 key in --attester
  csv      FILE is a leaf file: what every account needs to claim, a line each

` + references,
		Example: `  verifyd proof export proof.json --format in-toto --key verifier.pem --out statement.json
  verifyd proof export epoch-7.leaves --format csv --pool 0x27ca...b51e --out claims.csv`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			file, err := a.export(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			if err := writeNew(o.out, file, 0o644); err != nil {
				return err
			}
			a.note("%s in %s", o.format, o.out)
			return nil
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "", "in-toto, cose, eas or csv")
	f.StringVar(&o.out, "out", "", "file to write to")
	f.StringVar(&o.key, "key", "", "for in-toto and cose: the verifier's private key")
	f.StringVar(&o.attester, "attester", "", "for eas: file with a secp256k1 private key of its own, 64 hex digits")
	f.StringVar(&o.contract, "contract", "", "for eas: address of the EAS contract")
	f.StringVar(&o.contractVersion, "contract-version", "1.3.0", "for eas: version of the EAS contract")
	f.Uint64Var(&o.chain, "chain", 1, "for eas: chain id")
	f.StringVar(&o.pool, "pool", "", "for csv: the pool's id")
	complete(cmd, "format", formInToto, formCOSE, formEAS, formCSV)
	for _, name := range []string{"format", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func (a *app) export(ctx context.Context, path string, o exportOptions) ([]byte, error) {
	if err := fresh(o.out); err != nil {
		return nil, err
	}
	switch o.format {
	case formInToto, formCOSE:
		if o.key == "" {
			return nil, usageError{fmt.Errorf("--format %s needs --key", o.format)}
		}
		return a.exportSigned(ctx, path, o)
	case formEAS:
		return a.exportEAS(path, o)
	case formCSV:
		return exportClaims(path, o)
	}
	return nil, usageError{fmt.Errorf("--format %.40q: want in-toto, cose, eas or csv", o.format)}
}

// contributionIn is what a proof file states, and its signatures, unverified.
func (a *app) contributionIn(path string) (c proofs.Contribution, signatures []proofs.Signature, err error) {
	f, err := readProofFile(path)
	if err != nil {
		return c, nil, err
	}
	env := f.envelope
	if f.bundle != nil {
		env = f.bundle.Contribution
	}
	s, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return c, nil, fmt.Errorf("%s: %w", path, err)
	}
	c, ok := s.(proofs.Contribution)
	if !ok {
		return c, nil, fmt.Errorf("%s: is a %s, want a contribution", path, kindOf(s))
	}
	a.noteFixed(c)
	return c, env.Signatures, nil
}

func (a *app) exportSigned(ctx context.Context, path string, o exportOptions) ([]byte, error) {
	c, _, err := a.contributionIn(path)
	if err != nil {
		return nil, err
	}
	key, err := a.openKey(ctx, o.key, keys.Verifier)
	if err != nil {
		return nil, err
	}
	defer key.Close()
	if o.format == formCOSE {
		return export.COSE(c, key)
	}
	statement, err := export.InToto(c)
	if err != nil {
		return nil, err
	}
	env, err := proofs.Sign(statement, key)
	if err != nil {
		return nil, err
	}
	return env.Bytes(), nil
}

func (a *app) exportEAS(path string, o exportOptions) ([]byte, error) {
	if o.attester == "" || o.contract == "" {
		return nil, usageError{errors.New("--format eas needs --attester and --contract")}
	}
	contract, err := proofs.ParseAccount(o.contract)
	if err != nil || len(o.contract) != len("0x")+40 {
		return nil, usageError{errors.Join(fmt.Errorf("--contract %.60q: want an address, 0x and 40 hex digits", o.contract), err)}
	}
	c, signatures, err := a.contributionIn(path)
	if err != nil {
		return nil, err
	}
	key, err := readAttester(o.attester)
	if err != nil {
		return nil, explainKey(err, o.attester, "")
	}
	id, err := proofs.KeyID(key.PubKey())
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(signatures, func(s proofs.Signature) bool { return s.KeyID == id }) {
		return nil, fmt.Errorf("%s: this key signed the proof, and attests nothing besides: %w", o.attester, keys.ErrRole)
	}
	return export.EAS(c, export.EASDomain{Version: o.contractVersion, ChainID: o.chain, Contract: [20]byte(contract[12:])}, key)
}

// readAttester reads a secp256k1 key as Ethereum's tools write it. It is no verifier's key, which
// would be a PEM file: one that signs proofs never signs by EIP-712.
func readAttester(path string) (*secp256k1.PrivateKey, error) {
	text, err := keys.ReadSecret(path)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(string(bytes.TrimSpace(text)), "0x"))
	var scalar secp256k1.ModNScalar
	if err != nil || len(raw) != 32 || scalar.SetByteSlice(raw) || scalar.IsZero() {
		return nil, fmt.Errorf("%s: not a secp256k1 private key: want 64 hex digits", path)
	}
	return secp256k1.NewPrivateKey(&scalar), nil
}

func exportClaims(path string, o exportOptions) ([]byte, error) {
	pool, err := hashFlag("pool", o.pool)
	if err != nil {
		return nil, err
	}
	file, err := readFile(path, maxLeafFile)
	if err != nil {
		return nil, err
	}
	leaves, err := epoch.ParseFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var list bytes.Buffer
	if err := export.Claims(&list, pool.Hash, leaves); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list.Bytes(), nil
}
