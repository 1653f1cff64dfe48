package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

// logSource is how a log is read that is a folder or served at a URL.
type logSource struct {
	key     string // file
	timeout time.Duration
}

func (s *logSource) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.key, "log-key", "", "file of the log's key; needed for a URL, and FOLDER/log.pub if not given for a folder")
	f.DurationVar(&s.timeout, "timeout", time.Minute, "how long a server may take to answer one request in full")
}

// open opens a log for reading. It is closed when the context ends or close is called.
func (s *logSource) open(ctx context.Context, at string) (r *translog.Reader, close func() error, err error) {
	if strings.HasPrefix(at, "https://") || strings.HasPrefix(at, "http://") {
		if s.key == "" {
			return nil, nil, usageError{errors.New("--log-key is needed: a server is not believed about the key of its log")}
		}
		if s.timeout <= 0 {
			return nil, nil, usageError{errors.New("--timeout must be positive")}
		}
		key, err := translog.ReadKey(s.key)
		if err != nil {
			return nil, nil, err
		}
		r, err := translog.Remote{URL: at, Key: key, Timeout: s.timeout}.Open(ctx)
		return r, func() error { return nil }, err
	}
	f, err := translog.OpenFolder(at)
	if err != nil {
		return nil, nil, err
	}
	if s.key != "" {
		key, err := translog.ReadKey(s.key)
		if err == nil && key != f.Key() {
			err = fmt.Errorf("%s: its key is %s, that of %s is %s", at, f.Key(), s.key, key)
		}
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
	}
	return f.Reader, f.Close, nil
}

// readWitnesses reads a policy file of a log's witnesses.
func readWitnesses(path, key string) (*proof.Policy, error) {
	text, err := readFile(path, proof.MaxPolicySize)
	if err != nil {
		return nil, err
	}
	p, err := proof.ParsePolicy(text, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
