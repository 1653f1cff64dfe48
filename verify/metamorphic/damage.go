package metamorphic

import (
	"archive/tar"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// spoil may damage a file of the bundle on its way, remove one, or swap two, and sets the time of the judgement.
func (c *Claim) spoil(r *rand.Rand) error {
	late := one(r, 3)
	if late || one(r, 3) {
		c.now = time.Unix(c.Pool.Terms.Job.Answers(c.Pool.Arrived.Unix()), 0) // when there is still time
	}
	if late {
		c.now = c.now.Add(time.Second)
	}
	if !one(r, 4) {
		return nil
	}
	segments, err := verifytest.Openings(c.bundle)
	if err != nil {
		return err
	}
	if len(segments) > 1 && one(r, 6) {
		c.What += "; the first two openings are swapped"
		c.spoiled(segments[0])
		return swap(segments[0], segments[1])
	}
	if one(r, 4) {
		return c.repacked(r, pick(r, segments...))
	}
	path := pick(r, append(segments, c.path(verify.SlicesFile), c.path(verify.OpenedFile), c.path(verify.OpenedFile), c.path(verify.OpenedFile), c.path(verify.OpenedFile), c.path(verify.OpeningFile), c.path(verify.LeavesFile),
		c.path(verify.JobFile), c.path(verify.ProgramFile), c.path(verify.CurveFile), c.path(verify.AssignmentFile), c.path(verify.ClaimFile), c.path(verify.ReceiptFile), c.path(verify.BeaconFile))...)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name, harm := filepath.Base(path), r.IntN(3)
	if late && (name == verify.OpeningFile || name == verify.OpenedFile && one(r, 2)) {
		harm = 0 // silence
	}
	switch harm {
	case 0:
		c.What += fmt.Sprintf("; %s is missing", name)
		leaves := c.Truth.Leaves
		c.spoiled(path)
		if name == verify.OpenedFile && late && !leaves {
			c.Truth = Truth{Outcome: verify.Fail, Reason: verify.Unopened}
		}
		return os.Remove(path)
	case 1:
		n := r.IntN(len(data))
		c.What += fmt.Sprintf("; %s ends after %d bytes", name, n)
		data = data[:n]
	default:
		at := r.IntN(len(data))
		c.What += fmt.Sprintf("; byte %d of %s is damaged", at, name)
		data[at] ^= 1 << r.IntN(8)
	}
	c.spoiled(path)
	return os.WriteFile(path, data, 0o644)
}

// repacked alters a bit of an opened segment as a stranger would who wants the worker to fail: what is inside is in
// order, and the file has the size that the worker signed for, if there is such a one.
func (c *Claim) repacked(r *rand.Rand, path string) error {
	plain, err := verifytest.Unpack(path)
	if err != nil {
		return nil // rubbish already
	}
	signed, err := os.Stat(path)
	if err != nil {
		return err
	}
	tensors := 8 + int(binary.LittleEndian.Uint64(plain)) // behind the header
	for range 20 {
		at := tensors + r.IntN(len(plain)-tensors)
		plain[at] ^= 1
		file, err := verifytest.Pack(plain)
		if err != nil {
			return err
		}
		if int64(len(file)) == signed.Size() {
			c.What += fmt.Sprintf("; %s is packed again with byte %d altered", filepath.Base(path), at)
			c.spoiled(path)
			return os.WriteFile(path, file, 0o644)
		}
		plain[at] ^= 1
	}
	return nil
}

func (c *Claim) path(name string) string { return filepath.Join(c.bundle, name) }

// spoiled says what is left of the truth when a file cannot be read: an error, unless what is found is found before
// the file is looked at.
func (c *Claim) spoiled(path string) {
	answer := filepath.Base(path) == verify.OpeningFile || filepath.Base(path) == verify.OpenedFile || filepath.Base(filepath.Dir(path)) == verify.OpeningsDir
	segment := filepath.Base(filepath.Dir(path)) == verify.OpeningsDir && filepath.Base(path) != filepath.Base(verify.SlicesFile)
	if answer && c.Truth.Leaves || segment && c.Truth.Opening {
		return
	}
	if first := c.Truth.First; first != nil {
		order := c.Pool.Walk.Order
		at := slices.IndexFunc(order, func(s uint64) bool { return c.path(verifytest.Opened(s)) == path })
		if at > slices.Index(order, first.Segment) {
			return
		}
	}
	c.Truth = Truth{}
}

func swap(a, b string) error {
	for _, move := range [][2]string{{a, a + ".away"}, {b, a}, {a + ".away", b}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			return err
		}
	}
	return nil
}

// archived writes the bundle once more into a tar file, in a folder of any name or in none.
func (c *Claim) archived(r *rand.Rand) (err error) {
	c.archive = filepath.Join(c.dir, "bundle.tar")
	f, err := os.Create(c.archive)
	if err != nil {
		return err
	}
	defer f.Close()
	top := pick(r, "", "./", "bundle/")
	w := tar.NewWriter(f)
	var names []string
	for _, pattern := range []string{"*", verify.OpeningsDir + "/*"} {
		some, err := filepath.Glob(filepath.Join(c.bundle, pattern))
		if err != nil {
			return err
		}
		names = append(names, some...)
	}
	r.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	for _, path := range names {
		name, err := filepath.Rel(c.bundle, path)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.IsDir() {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: top + filepath.ToSlash(name), Size: int64(len(data)), Mode: 0o644}); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}

// misslice answers with slices of other states than the trace's.
func (c *Claim) misslice(r *rand.Rand) error {
	file, err := os.ReadFile(c.path(verify.SlicesFile))
	if err != nil {
		return err
	}
	at := r.IntN(len(file))
	c.What += fmt.Sprintf("; byte %d of the slices is opened falsely", at)
	c.Truth = Truth{Outcome: verify.Fail, Reason: verify.Malformed, Opening: true}
	file[at] ^= 1
	return c.Pool.Reslice(c.bundle, file)
}
