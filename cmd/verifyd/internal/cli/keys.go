package cli

import (
	"crypto/ecdsa"
	"errors"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/proofs"
)

func (a *app) keysCommand() *cobra.Command {
	newKey := &cobra.Command{
		Use:   "new FILE",
		Short: "Make a P-256 key in FILE and its public half in FILE.pub",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			key, err := keys.New(args[0])
			if errors.Is(err, fs.ErrExist) {
				return hint(err, "a key is never replaced; choose another name")
			}
			if err != nil {
				return err
			}
			return a.emitKey(args[0]+keys.PublicSuffix, &key.PublicKey)
		}),
	}
	show := &cobra.Command{
		Use:   "show FILE.pub",
		Short: "Print the id of a public key",
		Args:  cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			key, err := readPublic(args[0])
			if err != nil {
				return err
			}
			return a.emitKey(args[0], key)
		}),
	}
	return group("keys", "Make and show keys", newKey, show)
}

func (a *app) emitKey(path string, key *ecdsa.PublicKey) error {
	id, err := proofs.KeyID(key)
	if err != nil {
		return err
	}
	view := struct {
		KeyID     proofs.Hash `json:"keyId"`
		PublicKey string      `json:"publicKey"`
	}{id, path}
	return a.emit(view, func(w io.Writer) {
		row(w, "key id", view.KeyID)
		row(w, "public key", view.PublicKey)
	})
}

// readPublic reads a public key and, given a private one, says where its
// public half is.
func readPublic(path string) (*ecdsa.PublicKey, error) {
	key, err := keys.ReadPublic(path)
	if errors.Is(err, keys.ErrPrivateWhereKeyIsPublic) {
		return nil, hint(err, "its public half is in %s%s", path, keys.PublicSuffix)
	}
	return key, err
}
