package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/keys"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/data"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

func (a *app) trainCommand() *cobra.Command {
	return group("train", "The worker's side: do a job, answer what is challenged", a.trainCommitCommand(), a.trainRunCommand(), a.trainSessionCommand(), a.trainAnswerCommand(), a.trainEnterCommand())
}

// worker is what both of the worker's commands ask for.
type worker struct {
	operator, key string // files
	data          dataFiles
	maxMemory     size
}

func (w *worker) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.operator, "operator", "", "operator's public key (PEM)")
	w.data.flags(cmd)
	f.StringVar(&w.key, "key", "", "worker's private key")
	memoryFlag(cmd, &w.maxMemory)
	for _, name := range []string{"operator", "key"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
}

func (a *app) trainRunCommand() *cobra.Command {
	var who worker
	var assignment, out string
	cmd := &cobra.Command{
		Use:   "run JOB --assignment FILE --operator KEY.pub --data FILE --key WORKER --out FOLDER",
		Short: "Do the work of a job and sign a claim to it",
		Long: `run trains as the job says and writes the trace and the signed claim to a
folder. Send claim.json and leaves.bin in it to the operator, and keep all of it: it
is needed to answer what will be challenged. The operator's assignment decides the
order of the samples, and what is trained serves it and no other.

If it ends early, however it ends, the same command goes on at the last state that
is in the folder and sound, and comes to the same claim.`,
		Example: `  verifyd keys new worker.pem --role worker
  verifyd train run job --assignment assignment.json --operator operator.pem.pub \
      --data data.safetensors --key worker.pem --out trace`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			w, err := a.takeWork(cmd.Context(), args[0], who, assignment)
			if err != nil {
				return err
			}
			defer w.Close()
			progress, last := a.progress("training"), float32(0)
			stepped := false
			w.Progress = func(done uint64, loss float32) { stepped, last = true, loss; progress(done, w.offer.Job.Steps) }
			began := time.Now()
			summary, err := verify.Train(cmd.Context(), w.Work, out)
			if err != nil {
				if stepped {
					a.tellKept(out)
				}
				return err
			}
			if err := leaveClaim(w.offer, summary, w.assigned, w.key, out); err != nil {
				return err
			}
			return a.emitClaim(filepath.Join(out, verify.ClaimFile), summary, last, time.Since(began))
		}),
	}
	who.flags(cmd)
	cmd.Flags().StringVar(&assignment, "assignment", "", "the operator's assignment of a slot")
	cmd.Flags().StringVar(&out, "out", "", "folder for the trace and the claim, which is made, or of a run that ended early")
	require(cmd, "assignment", "out")
	return cmd
}

// work is a job with all that doing it takes.
type work struct {
	verify.Work
	offer    *offer
	assigned *assigned
	key      *keys.Signer
	files    *data.Files // of the samples
}

// Close lets go of what the work holds.
func (w *work) Close() error { return errors.Join(w.key.Close(), w.files.Close()) }

// takeWork reads a job, what was assigned of it, and the data, and finds a device.
func (a *app) takeWork(ctx context.Context, folder string, who worker, assignment string) (w *work, err error) {
	t, err := readOffer(folder, who.operator)
	if err == nil && t.NeedsFinal() {
		err = takeFinal(t.Terms, folder)
	}
	if err != nil {
		return nil, err
	}
	key, err := a.openKey(ctx, who.key, keys.Worker)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			key.Close()
		}
	}()
	assigned, err := readAssigned(t, assignment, key)
	if err != nil {
		return nil, err
	}
	data, files, err := who.data.open(ctx, a, &t.Job.Data.Layout)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			files.Close()
		}
	}()
	devices, err := a.devices(ctx)
	if err != nil {
		return nil, err
	}
	return &work{offer: t, assigned: assigned, key: key, files: files, Work: verify.Work{
		Terms: t.Terms, Data: data, Device: devices.First(), Assignment: assigned.Assignment, MaxMemory: uint64(who.maxMemory),
		Resumed: func(k trace.Kept) { a.tellResumed(k, t.Job.Steps) },
	}}, nil
}

// assigned is an assignment that work is done for.
type assigned struct {
	job.Assignment
	path string
	file []byte
}

// readAssigned reads the assignment of a slot to a key. One for which no claim would ever be judged is refused before
// any work is done for it.
func readAssigned(t *offer, path string, key *keys.Signer) (*assigned, error) {
	id, err := keyOf(key)
	if err != nil {
		return nil, err
	}
	file, err := readFile(path, document.MaxSize)
	if err != nil {
		return nil, err
	}
	doc, _, err := t.ReadAssignment(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if doc.Worker != id.ID() {
		return nil, fmt.Errorf("%s: assigned to %s, the key is %s", path, doc.Worker, id.ID())
	}
	return &assigned{doc, path, file}, registeredBeside(path, t.Terms, &doc)
}

func (a *app) emitClaim(path string, s trace.Summary, loss float32, took time.Duration) error {
	view := struct {
		Claim   string      `json:"claim"`
		Steps   uint64      `json:"steps"`
		Root    merkle.Hash `json:"root"`
		Final   merkle.Hash `json:"final"`
		Loss    string      `json:"loss"`
		Seconds float64     `json:"seconds"`
	}{path, s.Steps, s.Root, s.Final, fmt.Sprintf("%.6g", loss), math.Round(took.Seconds()*1000) / 1000}
	return a.emit(view, func(w io.Writer) {
		row(w, "claim", view.Claim)
		row(w, "steps", fmt.Sprintf("%d in %.1f s, last loss %s", view.Steps, view.Seconds, view.Loss))
		row(w, "root", view.Root)
		row(w, "final state", view.Final)
	})
}

func (a *app) trainAnswerCommand() *cobra.Command {
	var who worker
	var traceDir, receipt, public, out string
	cmd := &cobra.Command{
		Use:   "answer JOB --trace FOLDER --receipt FILE --beacon FILE --operator KEY.pub --data FILE --key WORKER --out BUNDLE",
		Short: "Answer the challenge to a claim with a bundle",
		Long: `answer opens what the beacon draws and what it leads to: the segments that were
drawn, those that moved most, and, if one of them begins where training is cheap,
the path to where that began. It measures steps as the verifier will, on the
device, so that one opening answers all.`,
		Example: `  verifyd train answer job --trace trace --receipt receipt.json --beacon beacon.json \
      --operator operator.pem.pub --data data.safetensors --key worker.pem --out bundle`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			t, err := readOffer(args[0], who.operator)
			if err != nil {
				return err
			}
			key, err := a.openKey(cmd.Context(), who.key, keys.Worker)
			if err != nil {
				return err
			}
			defer key.Close()
			documents := verify.Documents{Job: t.jobFile, Program: t.programFile, Curve: t.curveFile}
			for _, f := range []struct {
				path string
				into *[]byte
			}{
				{filepath.Join(traceDir, verify.AssignmentFile), &documents.Assignment},
				{filepath.Join(traceDir, verify.ClaimFile), &documents.Claim},
				{receipt, &documents.Receipt},
				{public, &documents.Beacon},
			} {
				if *f.into, err = readFile(f.path, document.MaxSize); err != nil {
					return err
				}
			}
			data, files, err := who.data.open(cmd.Context(), a, &t.Job.Data.Layout)
			if err != nil {
				return err
			}
			defer files.Close()
			tr, err := trace.Read(traceDir, t.Trace())
			if err != nil {
				return err
			}
			defer tr.Close()
			devices, err := a.devices(cmd.Context())
			if err != nil {
				return err
			}
			opened, progress := 0, a.progress("opening")
			err = verify.Answer(cmd.Context(), verify.Response{
				Terms: t.Terms, Documents: documents, Trace: tr, Data: data, Signer: key, Device: devices.First(), MaxMemory: uint64(who.maxMemory),
				Progress: func(done, total int) { opened = total; progress(uint64(done), uint64(total)) },
			}, out)
			if err != nil {
				return err
			}
			carried := map[string]string{receipt + proofSuffix: filepath.Join(out, verify.ReceiptProofFile)}
			for _, name := range []string{verify.AssignmentProofFile, verify.RegistrationFile, verify.RegistrationProofFile} {
				carried[filepath.Join(traceDir, name)] = filepath.Join(out, name)
			}
			if err := carry(carried, func(path string, data []byte) error { return writeNew(path, data, 0o644) }); err != nil {
				return err
			}
			return a.emitBundle(out, opened)
		}),
	}
	who.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&traceDir, "trace", "", "folder that train run made")
	f.StringVar(&receipt, "receipt", "", "the operator's receipt for the claim")
	f.StringVar(&public, "beacon", "", "the beacon of the round that the receipt fixes")
	f.StringVar(&out, "out", "", "folder to make for the bundle")
	for _, name := range []string{"trace", "receipt", "beacon", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

// carry copies what shows when something was given, as far as it lies beside that: files to files.
func carry(files map[string]string, write func(path string, data []byte) error) error {
	for from, to := range files {
		data, err := readFile(from, document.MaxSize)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := write(to, data); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) emitBundle(dir string, segments int) error {
	size := int64(0)
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	view := struct {
		Bundle   string `json:"bundle"`
		Segments int    `json:"segments"`
		Bytes    int64  `json:"bytes"`
	}{dir, segments, size}
	return a.emit(view, func(w io.Writer) {
		row(w, "bundle", dir)
		if segments == 0 {
			row(w, "opened", "nothing: the beacon did not draw the claim for audit")
			return
		}
		row(w, "opened", fmt.Sprintf("%d segments, %d bytes", segments, size))
	})
}
