package valuation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
)

// The files of a folder.
const (
	GameFile        = "game.json"
	UtilitiesFile   = "utilities.bin"
	CertificateFile = "certificate.json"
)

// Limits of the files that are read.
const (
	maxDocument    = 256 << 20 // bytes of a JSON file
	MaxEvaluations = 1 << 28   // utilities of a transcript
)

// GameVersion names the format of game.json.
const GameVersion = "verifyd-game/1"

// Run says what is valued and how: the same Run gives the same certificate.
type Run struct {
	Version    string      `json:"version"`    // GameVersion
	Kind       string      `json:"kind"`       // which game, "round"
	Root       merkle.Hash `json:"root"`       // of the game
	Source     string      `json:"source"`     // of the randomness: Research, or the chain of Claimed's beacon
	Randomness merkle.Hash `json:"randomness"` // all choices follow from it and from the root
	Way
	Players []string        `json:"players"` // names, in the game's order
	Details json.RawMessage `json:"details,omitempty"`
	Claimed *Claimed        `json:"claimed,omitempty"` // nil for research, which is never paid
}

// Research is the source of a randomness that whoever made the certificate brought along: it may have been tried until
// it suited.
const Research = "research"

// Way is an estimator with all of its parameters, which are those of [shapley.Options].
type Way struct {
	Estimator string `json:"estimator"`
	Budget    int    `json:"budget"`
	Level     int    `json:"level"`
	Target    uint64 `json:"target"`
	Tolerance uint64 `json:"tolerance"`
	Alpha     int    `json:"alpha"`
	Beta      int    `json:"beta"`
	Control   bool   `json:"control"` // a Taylor control variate
	// Fair has an owner play as one and all updates have one length, see robust.Prepare, and Rows is how many validation rows are
	// drawn, all of them if zero or if there are no more. Of rounds alone.
	Fair bool   `json:"fair,omitempty"`
	Rows uint32 `json:"rows,omitempty"`
}

// options are those of an estimate, seed included.
func (r *Run) options() shapley.Options {
	return shapley.Options{
		Estimator: r.Estimator, Budget: r.Budget, Level: r.Level, Target: r.Target, Tolerance: r.Tolerance,
		Alpha: r.Alpha, Beta: r.Beta, Seed: shapley.DeriveSeed(r.Randomness, r.Root),
	}
}

// Certificate is a result with all that it takes to check it.
type Certificate struct {
	Run
	Result *shapley.Result `json:"result"`
	// Extra is what a game has to say beside the estimate; nil if nothing.
	*Extra
}

// Extra is what a round tells beside its estimate.
type Extra struct {
	// Drawn says by how many rows of the validation set it was judged, where they were drawn.
	Drawn *Drawn `json:"drawn,omitempty"`
	// Joined are the players that counted as one: the first of each has the value of all.
	Joined [][]int `json:"joined,omitempty"`
	// Isolated are the updates that explode: they are worth 0, and the others what they are without them.
	Isolated []round.Isolated `json:"isolated,omitempty"`
	// Second is the closed second order of a round of losses with fixed weights, unless it is beyond the scale.
	Second *Second `json:"second_order,omitempty"`
	// ValidationError is the standard error of each value that comes of the choice of the validation rows, in the
	// unit of the utility. The errors of the result are those of sampling coalitions.
	ValidationError []uint64 `json:"validation_error,omitempty"`
}

// Second is the closed form beside the estimate, in 1e-9.
type Second struct {
	Values []int64 `json:"values"`
	Gap    int64   `json:"gap"` // utility of all players less the sum of Values
}

// Outcome is a certificate with its transcript.
type Outcome struct {
	*Certificate
	Utilities []int64
	Resumed   int // of them found in the folder
}

// Estimate runs in a folder: a new one, or one of the same run that was interrupted. An empty dir keeps
// nothing. progress gets the number of utilities so far.
func Estimate(ctx context.Context, dir string, run Run, g shapley.Game, control *shapley.Control, extra func(shapley.Seed) (*Extra, error),
	progress func(uint64)) (out *Outcome, err error) {
	o := run.options()
	o.Control, o.Progress = control, progress
	out = new(Outcome)
	o.Record = func(u []int64) error {
		out.Utilities = append(out.Utilities, u...)
		return nil
	}
	if dir != "" {
		f, known, err := open(dir, &run)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		o.Known, out.Resumed, out.Utilities = known, len(known), known
		keep := o.Record
		o.Record = func(u []int64) error {
			_, err := f.Write(encode(u))
			return errors.Join(err, keep(u))
		}
	}
	res, err := shapley.Estimate(ctx, g, o)
	if err != nil {
		return nil, err
	}
	c := &Certificate{Run: run, Result: res}
	if extra != nil {
		if c.Extra, err = extra(o.Seed); err != nil {
			return nil, err
		}
	}
	if dir != "" {
		if err := writeWhole(filepath.Join(dir, CertificateFile), c); err != nil {
			return nil, err
		}
	}
	out.Certificate = c
	return out, nil
}

// open makes a folder or finds the transcript so far of the same run in it. What was written of a utility
// in part is cut off.
func open(dir string, run *Run) (f *os.File, known []int64, err error) {
	game, err := json.Marshal(run)
	if err != nil {
		return nil, nil, err
	}
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		if err := writeWhole(filepath.Join(dir, GameFile), run); err != nil {
			return nil, nil, errors.Join(err, os.RemoveAll(dir))
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, nil, err
	default:
		if _, err := os.Lstat(filepath.Join(dir, CertificateFile)); err == nil {
			return nil, nil, fmt.Errorf("%s: holds a finished run: %w", dir, fs.ErrExist)
		}
		before := new(Run)
		path := filepath.Join(dir, GameFile)
		data, err := readBounded(path)
		if err == nil {
			err = decode(path, data, before)
		}
		if err != nil {
			return nil, nil, err
		}
		if again, err := json.Marshal(before); err != nil || !bytes.Equal(again, game) {
			return nil, nil, fmt.Errorf("%s: an interrupted run of another game or other options lies there", dir)
		}
	}
	path := filepath.Join(dir, UtilitiesFile)
	if known, err = ReadUtilities(path, true); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, nil, err
	}
	at := int64(8 * len(known))
	_, seek := f.Seek(at, io.SeekStart)
	if err := errors.Join(f.Truncate(at), seek); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, known, nil
}

// ReadUtilities reads a transcript's utilities. With partial, bytes of a last one that is not whole are left
// out instead of refused.
func ReadUtilities(path string, partial bool) ([]int64, error) {
	f, info, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if n := info.Size(); n > 8*MaxEvaluations {
		return nil, fmt.Errorf("%s: %d bytes, above the limit %d", path, n, 8*MaxEvaluations)
	} else if n%8 != 0 && !partial {
		return nil, fmt.Errorf("%s: %d bytes are not whole utilities of 8", path, n)
	}
	data := make([]byte, info.Size()/8*8)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	u := make([]int64, len(data)/8)
	for i := range u {
		u[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return u, nil
}

func encode(u []int64) []byte {
	b := make([]byte, 0, 8*len(u))
	for _, v := range u {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}

// ReadCertificate reads what Estimate left in a folder.
func ReadCertificate(dir string) (*Certificate, error) {
	path := filepath.Join(dir, CertificateFile)
	data, err := readCertificate(path)
	if err != nil {
		return nil, err
	}
	return ParseCertificate(path, data)
}

func readCertificate(path string) ([]byte, error) {
	data, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: no finished run lies there", err)
	}
	return data, err
}

// ParseCertificate reads a certificate. Errors begin with path.
func ParseCertificate(path string, data []byte) (*Certificate, error) {
	c := new(Certificate)
	if err := decode(path, data, c); err != nil {
		return nil, err
	}
	if c.Version != GameVersion {
		return nil, fmt.Errorf("%s: version: %.60q, %q is needed", path, c.Version, GameVersion)
	}
	r := c.Result
	if r == nil || r.Version != shapley.ResultVersion {
		return nil, fmt.Errorf("%s: result: missing or of another version than %q", path, shapley.ResultVersion)
	}
	if err := c.checkSource(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Estimator != c.Estimator || r.Seed != c.options().Seed {
		return nil, fmt.Errorf("%s: result: its estimator or its seed is not the run's", path)
	}
	if n := len(c.Players); n != r.Players || len(r.Values) != n || r.Residual.Denominator == nil {
		return nil, fmt.Errorf("%s: result: %d values of %d players, %d are named", path, len(r.Values), r.Players, n)
	} else if s, h := len(r.StdErr), len(r.HalfWidth); s != 0 && s != n || h != 0 && h != n {
		return nil, fmt.Errorf("%s: result: %d standard errors and %d half-widths of %d players", path, s, h, n)
	}
	for i, v := range r.Values {
		if v.Denominator == nil {
			return nil, fmt.Errorf("%s: result: values[%d]: missing", path, i)
		}
	}
	if c.Extra != nil && len(c.Joined) > 0 {
		if _, err := robust.Grouped(r.Players, c.Joined); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return c, nil
}

// Audit checks a folder's certificate against the game: see shapley.Check.
func Audit(ctx context.Context, dir string, g shapley.Game, root merkle.Hash, control *shapley.Control,
	randomness merkle.Hash, checks uint64) (*shapley.Audit, *Certificate, error) {
	c, err := ReadCertificate(dir)
	if err != nil {
		return nil, nil, err
	}
	if c.Root != root {
		return nil, nil, fmt.Errorf("%s: certifies the game %s, the files given are those of %s", dir, c.Root, root)
	}
	u, err := ReadUtilities(filepath.Join(dir, UtilitiesFile), false)
	if err != nil {
		return nil, nil, err
	}
	a, err := shapley.Check(ctx, g, control, c.Result, u, randomness, checks)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	return a, c, nil
}

// readBounded reads a file of at most maxDocument bytes.
func readBounded(path string) ([]byte, error) { return input.ReadFile(path, maxDocument) }

// decode reads one JSON document, of known fields alone.
func decode(path string, data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if d.More() {
		return fmt.Errorf("%s: something follows the end", path)
	}
	return nil
}

// writeWhole writes a JSON document so that it is there whole or not at all.
func writeWhole(path string, v any) error {
	data, err := encodeWhole(v)
	if err != nil {
		return err
	}
	return WriteWhole(path, data)
}

func encodeWhole(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}

// Digest is the SHA-256 of the certificate's file.
func (c *Certificate) Digest() (merkle.Hash, error) {
	data, err := encodeWhole(c)
	return sha256.Sum256(data), err
}

// WriteWhole writes a file that must not exist, whole or not at all.
func WriteWhole(path string, data []byte) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Equal says whether two games have the same to say.
func (e *Extra) Equal(other *Extra) bool {
	if e == nil || other == nil {
		return e == other
	}
	if a, b := e.Second, other.Second; a == nil || b == nil {
		if a != b {
			return false
		}
	} else if a.Gap != b.Gap || !slices.Equal(a.Values, b.Values) {
		return false
	}
	if a, b := e.Drawn, other.Drawn; a == nil || b == nil {
		if a != b {
			return false
		}
	} else if *a != *b {
		return false
	}
	return slices.Equal(e.ValidationError, other.ValidationError) && slices.Equal(e.Isolated, other.Isolated) &&
		slices.EqualFunc(e.Joined, other.Joined, slices.Equal)
}
