package cli

import (
	"context"
	"crypto"
	"path/filepath"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
)

// inJobs says that a job in one of some folders names a key as its operator's and is signed by it. Such a key needs no
// other mark of its role. Whether it is the operator that is trusted, the caller says by giving the key.
func inJobs(folders ...string) keys.Binding {
	return func(pub crypto.PublicKey) bool {
		for _, dir := range folders {
			if file, err := readFile(filepath.Join(dir, verify.JobFile), document.MaxSize); err == nil && signedJob(file, pub) {
				return true
			}
		}
		return false
	}
}

// inBundles says the same of the jobs in bundles.
func inBundles(ctx context.Context, bundles ...string) keys.Binding {
	return func(pub crypto.PublicKey) bool {
		for _, path := range bundles {
			if file, err := pool.JobFile(ctx, path); err == nil && signedJob(file, pub) {
				return true
			}
		}
		return false
	}
}

// signedJob says that a job's file names a key as the operator's, by its signature.
func signedJob(file []byte, pub crypto.PublicKey) bool {
	key, err := document.NewKey(pub)
	if err != nil {
		return false
	}
	j, _, err := pool.ReadJob(file)
	return err == nil && j.Operator == key
}
