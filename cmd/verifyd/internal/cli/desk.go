package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
)

// desk is what the commands that give something once, ever, are told.
type desk struct {
	job, key, registry string // folder, key, folder
	recorder
}

func (d *desk) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&d.job, "job", "", "the job's folder")
	f.StringVar(&d.key, "key", "", "operator's private key")
	registryFlag(cmd, &d.registry)
	d.recorder.flags(cmd)
	require(cmd, "job", "key")
}

// atDesk opens key, job, registry and log for as long as use takes, and writes to out what use gave: the document, and
// beside it the proof that the log has it; nothing if out is empty by then. All of it can be done again after a crash, with the same document.
func (a *app) atDesk(ctx context.Context, d *desk, use func(*pool.Desk) (pool.Given, error), out *string) error {
	key, err := a.openKey(ctx, d.key, keys.Operator, inJobs(d.job))
	if err != nil {
		return err
	}
	defer key.Close()
	operator, err := keyOf(key)
	if err != nil {
		return err
	}
	t, err := readOfferBy(d.job, operator)
	if err != nil {
		return err
	}
	if err := d.fits(t); err != nil {
		return err
	}
	remembers, err := openRegistry(d.registry)
	if err != nil {
		return err
	}
	at := &pool.Desk{Terms: t.Terms, Job: t.jobFile, Operator: key, Registry: remembers, Clock: time.Now}
	var given pool.Given
	if d.folder == "" {
		a.note("without a log the operator is believed about time")
		given, err = use(at)
	} else {
		err = a.openLog(ctx, d.folder, &d.logOptions, func(l *translog.Log) (err error) {
			at.Log = l
			given, err = use(at)
			return err
		})
	}
	if err != nil {
		return err
	}
	return d.handOut(given, *out)
}

// fits refuses to sign for a job whose log is another than the one at hand.
func (d *desk) fits(t *offer) error { return fitsLog(t.Job.Log, d.folder) }

// fitsLog refuses a log at hand, in a folder or none, that is not the one that a job names.
func fitsLog(named *job.Log, folder string) error {
	if named == nil {
		return nil
	}
	if folder == "" {
		return usageError{fmt.Errorf("the job names a log: --log and --log-key are needed")}
	}
	key, err := translog.FolderKey(folder)
	if err == nil && key != named.Key {
		err = fmt.Errorf("%s: its key is %s, the job names %s", folder, key, named.Key)
	}
	return err
}

// handOut writes a document and the proof that the log has it.
func (d *desk) handOut(given pool.Given, out string) error {
	if out == "" {
		return nil
	}
	if given.Index >= 0 {
		folder, err := translog.OpenFolder(d.folder)
		if err != nil {
			return err
		}
		defer folder.Close()
		proof, err := folder.Proof(given.Index)
		if err != nil {
			return err
		}
		// One that is there already may be cosigned earlier, and is kept.
		if err := writeNew(out+proofSuffix, proof, 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return writeOnce(out, given.File)
}

// writeOnce writes a file that does not exist, or has these bytes.
func writeOnce(path string, data []byte) error {
	err := writeNew(path, data, 0o644)
	if errors.Is(err, fs.ErrExist) {
		if there, readErr := readFile(path, document.MaxSize); readErr == nil && bytes.Equal(there, data) {
			return nil
		}
	}
	return err
}
