package translog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/semaphore"

	"github.com/verifyd/verifyd/proofs/translog"
)

// Options say how a log is written.
type Options struct {
	// Signer signs the checkpoints. It must be the one that the log was made
	// with.
	Signer *Signer
	// Also sign beside it, while one key follows another: verifiers that know
	// either go on. They must have the same origin.
	Also []*Signer
	// Witnesses is a c2sp.org/tlog-policy file. No checkpoint is published
	// before its quorum has cosigned. Nil asks no witness.
	Witnesses []byte
	// Interval is the least time between two published checkpoints: 100 ms or
	// more; 0 is one second.
	Interval time.Duration
	// Gate says what may be appended. Nil lets everything in.
	Gate Gate
	// Logger takes what happens behind the caller's back. Nil drops it.
	Logger *slog.Logger
}

// A Gate knows what a log must not hold. It is used by several goroutines.
type Gate interface {
	// Holds is told each entry that is in the log, in order, before Admit is
	// asked for the first time.
	Holds(entry []byte)
	// Admit returns an error if entries that the log lacks must not be appended
	// together. If it does not they count as in the log.
	Admit(entries [][]byte) error
}

// interval is the default of Options.Interval.
const interval = time.Second

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

// Init makes an empty log in a folder that does not exist or is empty. A
// folder that a crash left half made can be given again.
func Init(dir string, s *Signer) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	const made = KeyFile + ".new"
	for _, f := range files {
		if f.Name() != made {
			return fmt.Errorf("%s: %w: it holds %s", dir, fs.ErrExist, f.Name())
		}
	}
	f, err := os.Create(filepath.Join(dir, made))
	if err != nil {
		return err
	}
	_, err = f.WriteString(s.Key() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, KeyFile)); err != nil {
		return err
	}
	return errors.Join(syncFolder(dir), syncFolder(filepath.Dir(filepath.Clean(dir))))
}

// Open opens a log for writing. What the journal holds and the tree does not
// is appended before Open returns.
func Open(ctx context.Context, dir string, o Options) (_ *Log, err error) {
	key, err := FolderKey(dir)
	if err != nil {
		return nil, err
	}
	if o.Signer.Key() != key {
		return nil, fmt.Errorf("%s: the log's key is %s, not %s", dir, key, o.Signer.Key())
	}
	options, client, err := o.tessera()
	if err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlock())
		}
	}()
	for _, name := range []string{journalFolder, tilesFolder} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	if err := syncFolder(dir); err != nil {
		return nil, err
	}
	folder, err := OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, folder.Close())
		}
	}()
	_, before, err := folder.Checkpoint()
	if err != nil && !errors.Is(err, ErrNoCheckpoint) {
		return nil, err
	}
	places, size, err := folder.places(ctx, before)
	if err != nil {
		return nil, err
	}
	if o.Gate != nil {
		for entry, err := range folder.upTo(size, 0) {
			if err != nil {
				return nil, err
			}
			if _, ok := places[translog.LeafHash(entry)]; !ok {
				return nil, fmt.Errorf("%s: holds an entry that is not in its tree", dir)
			}
			o.Gate.Holds(entry)
		}
	}

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			stop()
		}
	}()
	d, err := driver(running, filepath.Join(dir, tilesFolder), client)
	if err != nil {
		return nil, err
	}
	appender, _, _, err := tessera.NewAppender(running, d, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	l := &Log{
		Folder: folder, gate: o.Gate, add: appender.Add, stop: stop, unlock: unlock, logger: o.logger(),
		journal: &journal{dir: filepath.Join(dir, journalFolder), next: 1},
		room:    semaphore.NewWeighted(maxWaiting), turn: make(chan struct{}, 1),
		wake: make(chan struct{}, 1), committed: make(chan struct{}),
		places: places, coming: map[tlog.Hash]*addition{}, size: size,
		now: published{over: make(chan struct{})}, swept: before.Size / tileWidth,
	}
	if err := l.replay(ctx); err != nil {
		return nil, err
	}
	go l.commit()
	l.watcher.Go(func() { l.watch(running) })
	return l, nil
}

// places reads where each entry of the tree is, and compares the tree with
// what Tessera and the published checkpoint say of it. A log that contradicts
// its own checkpoint must not be signed again.
func (f *Folder) places(ctx context.Context, published translog.Checkpoint) (places map[tlog.Hash]int64, size int64, err error) {
	size, root, err := f.treeState()
	if err != nil {
		return nil, 0, err
	}
	if published.Size > size {
		return nil, 0, fmt.Errorf("%s: the tree has %d entries, its published checkpoint %d", f.dir, size, published.Size)
	}
	places = make(map[tlog.Hash]int64, size)
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for at := int64(0); at < size; at += tileWidth {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		hashes, err := f.hashTile(tileAt(0, at/tileWidth, size))
		if err != nil {
			return nil, 0, err
		}
		for i, h := range hashes {
			if _, ok := places[h]; !ok {
				places[h] = at + int64(i)
			}
			if err := tree.Append(h[:], nil); err != nil {
				return nil, 0, fmt.Errorf("%s: %w", f.dir, err)
			}
			if int64(tree.End()) == published.Size {
				if err := sameRoot(tree, published.Root); err != nil {
					return nil, 0, fmt.Errorf("%s: published checkpoint of size %d: %w", f.dir, published.Size, err)
				}
			}
		}
	}
	if size > 0 {
		if err := sameRoot(tree, root); err != nil {
			return nil, 0, fmt.Errorf("%s: tree of size %d: %w", f.dir, size, err)
		}
	}
	return places, size, nil
}

func sameRoot(tree *compact.Range, want tlog.Hash) error {
	got, err := tree.GetRootHash(nil)
	if err != nil {
		return err
	}
	if h := tlog.Hash(got); h != want {
		return fmt.Errorf("root %s, but the entries give %s", want, h)
	}
	return nil
}

// treeState reads how far Tessera got: the size and root of the tree, which
// may be ahead of what is published. A tree that was never begun is empty.
func (f *Folder) treeState() (size int64, root tlog.Hash, err error) {
	data, err := f.readFile(".state/treeState", 1<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, tlog.Hash{}, nil
	}
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	var state struct {
		Size uint64 `json:"size"`
		Root []byte `json:"root"`
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return 0, tlog.Hash{}, fmt.Errorf("%s: tree state: %w", f.dir, err)
	}
	if state.Size > 1<<56 || len(state.Root) != tlog.HashSize {
		return 0, tlog.Hash{}, fmt.Errorf("%s: tree state: size %d with a root of %d bytes", f.dir, state.Size, len(state.Root))
	}
	return int64(state.Size), tlog.Hash(state.Root), nil
}

// replay appends what a run before recorded and did not bring into the tree.
func (l *Log) replay(ctx context.Context) error {
	numbers, err := segmentNumbers(l.journal.dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		path := filepath.Join(l.journal.dir, segmentName(n))
		entries, _, err := readSegmentFile(path)
		if err != nil {
			return err
		}
		s := &segment{path: path, open: len(entries), last: -1}
		l.journal.next = n + 1
		l.journal.retired = append(l.journal.retired, s)
		if err := l.bring(ctx, entries, s); err != nil {
			return err
		}
	}
	return nil
}
