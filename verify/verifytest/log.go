package verifytest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/job"
)

// Witness is a key that cosigns checkpoints, or signs them: the key of a name, always the same one.
type Witness struct {
	Name string
	kind byte
	key  ed25519.PrivateKey
}

// NewWitness returns the witness of a name.
func NewWitness(name string) *Witness { return named(name, 0x04) }

func named(name string, kind byte) *Witness {
	seed := sha256.Sum256([]byte(name))
	return &Witness{name, kind, ed25519.NewKeyFromSeed(seed[:])}
}

func (w *Witness) public() []byte {
	return append([]byte{w.kind}, w.key.Public().(ed25519.PublicKey)...)
}

func (w *Witness) hash() []byte {
	sum := sha256.Sum256(append([]byte(w.Name+"\n"), w.public()...))
	return sum[:4]
}

// Key is its verifier key.
func (w *Witness) Key() string {
	return fmt.Sprintf("%s+%x+%s", w.Name, w.hash(), base64.StdEncoding.EncodeToString(w.public()))
}

// sign is its signature line on a text, with a time if it is a witness.
func (w *Witness) sign(text []byte, at int64) []byte {
	sig := w.hash()
	if w.kind == 0x04 {
		sig = binary.BigEndian.AppendUint64(sig, uint64(at))
		text = append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
	}
	sig = append(sig, ed25519.Sign(w.key, text)...)
	return fmt.Appendf(nil, "— %s %s\n", w.Name, base64.StdEncoding.EncodeToString(sig))
}

// Log is a transparency log in memory.
type Log struct {
	writer *Witness
	hashes []tlog.Hash // as tlog stores them
	size   int64
}

// NewLog returns the log of a name, without entries.
func NewLog(name string) *Log { return &Log{writer: named(name, 0x01)} }

// Key is the log's verifier key.
func (l *Log) Key() string { return l.writer.Key() }

// Terms are what a job says of the log and witnesses of which so many are needed.
func (l *Log) Terms(threshold uint32, witnesses ...*Witness) *job.Log {
	terms := &job.Log{Key: l.Key(), Threshold: threshold}
	for _, w := range witnesses {
		terms.Witnesses = append(terms.Witnesses, w.Key())
	}
	return terms
}

// ReadHashes implements tlog.HashReader.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("hash %d of %d", at, len(l.hashes))
		}
		all[i] = l.hashes[at]
	}
	return all, nil
}

// Append enters an entry and returns its index.
func (l *Log) Append(entry []byte) (int64, error) {
	added, err := tlog.StoredHashes(l.size, entry, l)
	if err != nil {
		return 0, err
	}
	l.hashes = append(l.hashes, added...)
	l.size++
	return l.size - 1, nil
}

// Proof shows an entry in the log as it is now, cosigned by witnesses at a Unix time.
func (l *Log) Proof(index, at int64, witnesses ...*Witness) ([]byte, error) {
	root, err := tlog.TreeHash(l.size, l)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(l.size, index, l)
	if err != nil {
		return nil, err
	}
	var proof bytes.Buffer
	fmt.Fprintf(&proof, "c2sp.org/tlog-proof@v1\nindex %d\n", index)
	for _, h := range path {
		fmt.Fprintf(&proof, "%s\n", h)
	}
	text := fmt.Appendf(nil, "%s\n%d\n%s\n", l.writer.Name, l.size, root)
	fmt.Fprintf(&proof, "\n%s\n", text)
	for _, by := range append([]*Witness{l.writer}, witnesses...) {
		proof.Write(by.sign(text, at))
	}
	return proof.Bytes(), nil
}

// Enter appends an entry and returns its proof, cosigned at a Unix time.
func (l *Log) Enter(entry []byte, at int64, witnesses ...*Witness) ([]byte, error) {
	index, err := l.Append(entry)
	if err != nil {
		return nil, err
	}
	return l.Proof(index, at, witnesses...)
}

// Date enters what the operator gave for the bundle in dir into a log and puts the proofs beside it, cosigned in the
// last second: a registration before the round that gives the seed, assignment and receipt before that of the challenge,
// an opening's receipt at its deadline.
func (p *Pool) Date(l *Log, dir string, witnesses ...*Witness) error {
	if p.Terms.Registers() {
		if err := p.register(l, dir, witnesses); err != nil {
			return err
		}
	}
	_, due := p.Terms.Job.Round(p.Arrived.Unix())
	for _, d := range []struct {
		file string
		at   int64
	}{
		{verify.AssignmentFile, due - 1}, {verify.ReceiptFile, due - 1}, {verify.OpenedFile, p.Terms.Job.Answers(p.Arrived.Unix())},
	} {
		entry, err := input.ReadFile(filepath.Join(dir, d.file), document.MaxSize)
		if err != nil {
			return err
		}
		if err := l.prove(filepath.Join(dir, d.file), entry, d.at, witnesses); err != nil {
			return err
		}
	}
	return nil
}

// register puts the registration of the bundle's worker beside it, with its proof.
func (p *Pool) register(l *Log, dir string, witnesses []*Witness) error {
	a, _, err := p.Terms.ReadAssignment(p.Documents.Assignment)
	if err != nil {
		return err
	}
	file, err := job.Registration{Job: a.Job, Worker: a.Worker, Slot: a.Slot, At: a.Registered, Data: a.Data}.Sign(p.Operator)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, verify.RegistrationFile)
	if err := os.WriteFile(path, file, 0o644); err != nil {
		return err
	}
	return l.prove(path, file, p.Terms.Job.AssignmentDue(a.Registered)-1, witnesses)
}

// Enter puts the proof beside the opening in dir that its worker entered it into a log, cosigned at a time.
func (p *Pool) Enter(l *Log, dir string, at int64, witnesses ...*Witness) error {
	opening, err := input.ReadFile(filepath.Join(dir, verify.OpeningFile), document.MaxSize)
	if err != nil {
		return err
	}
	entry, err := verify.OpeningEntry(opening, p.Documents.Claim)
	if err != nil {
		return err
	}
	return l.prove(filepath.Join(dir, verify.OpeningFile), entry, at, witnesses)
}

func (l *Log) prove(path string, entry []byte, at int64, witnesses []*Witness) error {
	proof, err := l.Enter(entry, at, witnesses...)
	if err != nil {
		return err
	}
	return os.WriteFile(path+verify.ProofSuffix, proof, 0o644)
}
