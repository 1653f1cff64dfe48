package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
)

// rotateOptions are what a rotation changes.
type rotateOptions struct {
	to, algorithm  string   // the new key
	set, statement string   // files of signer sets: the one in force, the next
	with           []string // further keys of the set in force
	issued         int64
}

func (a *app) keysRotateCommand() *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "rotate KEY --to FILE",
		Short: "Make a key that takes another one's place",
		Long: `rotate makes a new key of the same role, and leaves the old one as it is.

For a verifier whose key is in a signer set it also writes the next set, in which
the new key has the old one's place, signed by both. A set takes force when as
many of the old keys have signed as the old set's threshold says: name those at
hand with --with; others append their signatures to the same statement.

` + references,
		Example: `  verifyd keys rotate verifier.pem --to verifier2.pem --set set1.json --statement set2.json`,
		Args:    cobra.ExactArgs(1),
		RunE:    a.runs(func(cmd *cobra.Command, args []string) error { return a.rotate(cmd.Context(), args[0], o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "where the new key goes: a path, or age:PATH")
	f.StringVar(&o.algorithm, "alg", "", "algorithm of the new key; the old one's if not given")
	f.StringVar(&o.set, "set", "", "signer set in force (signed statement)")
	f.StringVar(&o.statement, "statement", "", "with --set: file to write the next signer set to")
	f.StringArrayVar(&o.with, "with", nil, "with --set: another key of the set in force; may be repeated")
	f.Int64Var(&o.issued, "issued", 0, "with --set: time to state, seconds of the Unix epoch; now if not given")
	_ = cmd.MarkFlagRequired("to") // fails only for a flag that is not there
	return cmd
}

func (a *app) rotate(ctx context.Context, ref string, o rotateOptions) error {
	if (o.set != "") != (o.statement != "") || len(o.with) > 0 && o.set == "" || o.issued < 0 {
		return usageError{errors.New("--statement belongs to --set and is needed there; --with and --issued, which is not negative, too")}
	}
	if err := fresh(o.statement); err != nil {
		return err
	}
	old, err := a.openKey(ctx, ref, "")
	if err != nil {
		return err
	}
	defer old.Close()
	role, signers := old.Role(), []crypto.Signer{old}
	var next proofs.SignerSet
	if o.set != "" {
		// All that can go wrong is better known before there is a key. The set
		// binds its keys to the role.
		if role = cmp.Or(role, keys.Verifier); role != keys.Verifier {
			return fmt.Errorf("%s: %w", ref, keys.Verifier.Takes(role))
		}
		if next, err = nextSet(o.set, old.Public(), o.issued); err != nil {
			return err
		}
		for _, w := range o.with {
			key, err := a.openKey(ctx, w, keys.Verifier, inSet(next.Keys))
			if err != nil {
				return err
			}
			defer key.Close()
			signers = append(signers, key)
		}
	}
	algorithm, err := keys.AlgorithmOf(old.Public())
	if err != nil {
		return err
	}
	if role == "" {
		return explainKey(fmt.Errorf("%s: it has no role: %w", ref, keys.ErrNoRole), ref, "")
	}
	_, chosen, err := parseKind(string(role), cmp.Or(o.algorithm, string(algorithm)))
	if err != nil {
		return usageError{err}
	}
	made, err := a.newKey(o.to, role, chosen)
	if err != nil {
		return err
	}
	if o.set != "" {
		if err := a.sendSet(o.statement, next, append(signers, made), made.Public()); err != nil {
			return err
		}
	}
	return a.emitKey(keys.PublicPath(o.to), made.Public(), role)
}

// nextSet is the set after the one in a file, without the key that goes.
func nextSet(path string, leaves crypto.PublicKey, issued int64) (proofs.SignerSet, error) {
	none := proofs.SignerSet{}
	env, err := readProof(path)
	if err != nil {
		return none, err
	}
	stated, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	set, ok := stated.(proofs.SignerSet)
	if !ok {
		return none, fmt.Errorf("%s: states no signer set", path)
	}
	key, err := proofs.NewKey(leaves)
	if err != nil {
		return none, err
	}
	at := slices.Index(set.Keys, key)
	if at < 0 {
		return none, fmt.Errorf("%s: the key to be rotated is not in signer set %d", path, set.Set)
	}
	set.Keys = slices.Delete(set.Keys, at, at+1)
	set.Set++
	set.Previous = sha256.Sum256(env.Body)
	set.IssuedAt = uint64(issued)
	if issued == 0 {
		set.IssuedAt = uint64(time.Now().Unix())
	}
	return set, nil
}

// sendSet writes the statement of a set that a new key joins.
func (a *app) sendSet(path string, set proofs.SignerSet, signers []crypto.Signer, joins crypto.PublicKey) error {
	key, err := proofs.NewKey(joins)
	if err != nil {
		return err
	}
	set.Keys = append(set.Keys, key)
	slices.SortFunc(set.Keys, compareKeys)
	env, err := proofs.Sign(set, signers...)
	if err != nil {
		return err
	}
	if err := writeNew(path, env.Bytes(), 0o644); err != nil {
		return err
	}
	a.note("signer set %d in %s, signed by %d of the %d old keys that it takes and by the new one", set.Set, path, len(signers)-1, set.Threshold)
	return nil
}

// inSet binds the keys of a signer set to the role of a verifier.
func inSet(set []proofs.Key) keys.Binding {
	return func(pub crypto.PublicKey) bool {
		key, err := proofs.NewKey(pub)
		return err == nil && slices.Contains(set, key)
	}
}

// compareKeys is the order of a signer set: by the words of its keys, of which
// the first is the algorithm.
func compareKeys(a, b proofs.Key) int {
	order := []string{"es256", "es256k", "ed25519"}
	return cmp.Or(slices.Index(order, a.Alg)-slices.Index(order, b.Alg),
		bytes.Compare(a.X[:], b.X[:]), bytes.Compare(a.Y[:], b.Y[:]))
}
