package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
)

// proofTrust is what a reader knows and no proof can say.
type proofTrust struct {
	keys, signers      []string
	logKey, witnesses  string
	policyHash, moment string
	offline            bool
}

func (a *app) proofVerifyCommand() *cobra.Command {
	var o proofTrust
	cmd := &cobra.Command{
		Use:   "verify FILE [--key KEY.pub | --signers SET.json] [--log-key LOG.pub]",
		Short: "Check who signed a statement or a .vproof bundle, and print what it says",
		Long: `verify checks a signed statement (a contribution, an epoch root, a revocation, a
signer set) or a .vproof bundle, and prints what it says. No network is asked.

Who is trusted comes from the command line, never from the file: with --key every
key given must have signed; with --signers the pool's signer set decides, as a
ledger would, and further sets in the order of their numbers follow from it.

A bundle is checked whole: signatures, quorum, the path into the epoch root's
tree, and the log with --log-key. With --log-key alone it is the log that vouches
for what was signed.`,
		Example: `  verifyd proof verify contribution.json --key verifier.pem.pub
  verifyd proof verify epoch-root.json --signers signers.json
  verifyd proof verify worker.vproof --signers signers.json --log-key log.pub --offline`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error { return a.proofVerify(args[0], o) }),
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.keys, "key", nil, "public key (PEM) of a verifier that must have signed; may be repeated")
	f.StringArrayVar(&o.signers, "signers", nil, "file of the signer set that is trusted; may be repeated for the sets that follow it")
	f.StringVar(&o.logKey, "log-key", "", "file of the log's key, as verifyd log init leaves it in log.pub")
	f.StringVar(&o.witnesses, "witnesses", "", "policy file (c2sp.org/tlog-policy) whose quorum must have cosigned")
	f.StringVar(&o.policyHash, "policy", "", "digest of the scoring policy in force; any if not given")
	f.StringVar(&o.moment, "at", "", "moment to judge as of, e.g. 2026-11-18T11:06:40Z; now if not given")
	f.BoolVar(&o.offline, "offline", false, "demand that the bundle shows by itself that it was logged")
	cmd.MarkFlagsMutuallyExclusive("key", "signers")
	return cmd
}

func (a *app) proofVerify(path string, o proofTrust) error {
	if len(o.keys)+len(o.signers) == 0 && o.logKey == "" {
		return usageError{errors.New("give --key, --signers or --log-key: who signed means nothing without whom to trust")}
	}
	if o.offline && o.logKey == "" {
		return usageError{errors.New("--offline needs --log-key")}
	}
	f, err := readProofFile(path)
	if err != nil {
		return err
	}
	if f.bundle != nil {
		return a.verifyBundle(path, f.bundle, o)
	}
	if o.offline {
		return hint(fmt.Errorf("%s: has no log proof", path), "a .vproof bundle carries one; verifyd log verify takes one apart")
	}
	var s proofs.Statement
	switch {
	case len(o.keys) > 0:
		trusted, readErr := readKeys(o.keys)
		if readErr != nil {
			return readErr
		}
		s, err = proofs.Verify[proofs.Statement](f.envelope, len(trusted), trusted...)
	case len(o.signers) > 0:
		l, readErr := o.ledger()
		if readErr != nil {
			return readErr
		}
		s, err = accept(l, f.envelope)
	default:
		return usageError{errors.New("give --key or --signers: --log-key alone is for bundles")}
	}
	if err != nil {
		return explainSigners(fmt.Errorf("%s: %w", path, err), f.envelope)
	}
	a.note("%s: signed by %s", path, signers(f.envelope))
	return a.emitStatement(s)
}

// readKeys reads verifiers' public keys.
func readKeys(files []string) ([]proofs.Key, error) {
	read := make([]proofs.Key, len(files))
	for i, file := range files {
		pub, err := readPublic(file, keys.Verifier)
		if err != nil {
			return nil, err
		}
		if read[i], err = proofs.NewKey(pub); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return read, nil
}

// accept asks of a statement what a ledger asks.
func accept(l *bundle.Ledger, env *proofs.Envelope) (proofs.Statement, error) {
	s, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return nil, err
	}
	switch s := s.(type) {
	case proofs.Contribution:
		b, err := bundle.New(l.Signers, env)
		if err != nil {
			return nil, err
		}
		return b.Stated(l)
	case proofs.EpochRoot:
		return l.Accept(env)
	case proofs.Revocation:
		return l.Revoke(env)
	case proofs.SignerSet:
		return s, l.Rotate(env)
	}
	return proofs.Verify[proofs.Document](env, 1, l.Signers.Keys...)
}

// ledger is one that trusts the signer sets given and nothing else.
func (o proofTrust) ledger() (*bundle.Ledger, error) {
	l := &bundle.Ledger{Now: time.Now()}
	for i, file := range o.signers {
		if i > 0 {
			env, err := readProof(file)
			if err != nil {
				return nil, err
			}
			if err := l.Rotate(env); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			continue
		}
		set, err := readSet(file)
		if err != nil {
			return nil, err
		}
		l.Signers, l.Audience, l.PoolID = set, set.Audience, set.PoolID
	}
	if o.policyHash != "" {
		hash, err := hashFlag("policy", o.policyHash)
		if err != nil {
			return nil, err
		}
		l.PolicyHash = hash.Hash
	}
	if o.moment != "" {
		var err error
		if l.Now, err = time.Parse(time.RFC3339, o.moment); err != nil {
			return nil, usageError{fmt.Errorf("--at %.80q: want a time such as 2026-11-18T11:06:40Z", o.moment)}
		}
	}
	if o.logKey != "" {
		var err error
		if l.Log, err = readLogPolicy(o.logKey, o.witnesses); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (a *app) verifyBundle(path string, b *bundle.Bundle, o proofTrust) error {
	if len(o.keys) > 0 {
		return usageError{errors.New("a bundle is by a signer set: give --signers instead of --key")}
	}
	l, err := o.ledger()
	if err != nil {
		return err
	}
	if o.offline && b.Log == nil {
		return fmt.Errorf("%s: field log: is null, and --offline demands a log proof", path)
	}
	var c proofs.Contribution
	if len(o.signers) > 0 {
		c, err = b.Stated(l)
	} else {
		c, err = b.Logged(l.Log)
	}
	if err != nil {
		return explainBundle(fmt.Errorf("%s: %w", path, err))
	}
	if len(o.signers) == 0 {
		a.note("%s: is in the log; who signed it was not asked, which takes --signers", path)
	} else {
		a.note("%s: %s: all of it holds", path, contents(b))
		if b.Merkle == nil {
			a.note("%s: has no path to an epoch root: it says what one key signed, and no ledger pays on it", path)
		}
	}
	return a.emitStatement(c)
}

// explainBundle adds what a reader may have given wrongly.
func explainBundle(err error) error {
	var fault *proofs.Error
	if !errors.As(err, &fault) {
		return err
	}
	switch {
	case fault.Class == "expired":
		return hint(err, "to judge the past, give the moment with --at")
	case fault.Class == "wrong-signer-set" && (fault.Field == "signerSet.set" || fault.Field == "signerSet.digest"):
		return hint(err, "give the sets since in order: --signers SET1 --signers SET2")
	case fault.Class == "bad-log" && fault.Field == "log":
		return hint(err, "the log's key is given with --log-key")
	}
	return err
}
