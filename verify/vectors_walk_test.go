package verify_test

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
)

// walks are vectors of the slices, and of claims that are walked beyond what was drawn.
func (g *generator) walks() {
	const file = verify.SlicesFile
	g.add("slices_missing", "no slices, also past the deadline", fault.Missing, file, "", nil, "remove", file, "now", unix(arrived.Unix()+99999))
	g.one("slices_damaged", "one bit of a number", fault.WrongDigest, file, "", g.edited(file, func(d []byte) []byte { d[20] ^= 1; return d }))
	g.one("slices_truncated", "a byte too few", fault.BadLength, file, "", g.edited(file, func(d []byte) []byte { return d[:len(d)-1] }))
	g.fails("slices_signed_size", "signed, and of another size", verify.Malformed, g.sliced(g.edited(file, func(d []byte) []byte { return append(d, 0) })))
	g.fails("slices_signed_number", "signed, and of another state than the leaf's", verify.Malformed, g.sliced(g.edited(file, func(d []byte) []byte { d[20] ^= 1; return d })))
	g.fails("slices_signed_proof", "signed, and led to no state", verify.Malformed, g.sliced(g.edited(file, func(d []byte) []byte { d[len(d)-1] ^= 1; return d })))
	g.fails("slices_signed_magic", "signed, and not slices", verify.Malformed, g.sliced(g.edited(file, func(d []byte) []byte { d[7] = '9'; return d })))

	w := newGeneratorOf(g.t, g.name, shrinking(), func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 8, 1, job.Exactly(1) })
	f := w.found
	g.add("walk_outside", "honest work that becomes cheap: all of the walk is true", "", "", "", w.bundle, "verdict", "PASS none", "evidence", w.evidence)
	without := func(segment uint64) map[string][]byte {
		files := maps.Clone(w.bundle)
		maps.Copy(files, w.answered(func(o *verify.Opening) {
			o.Segments = slices.DeleteFunc(o.Segments, func(s verify.OpenedSegment) bool { return s.Segment == segment })
		}))
		return files
	}
	g.fails("walk_no_directed", "without a segment that moved most", verify.Malformed, without(f.Directed[0]))
	g.fails("walk_short", "a path that stops short", verify.Malformed, without(f.Walked[0]))
	g.fails("walk_short_later", "without the last segment of the walk", verify.Malformed, without(f.Walked[len(f.Walked)-1]))
}

// sliced is other slices, and the opening in which the worker signs for them.
func (g *generator) sliced(file []byte) map[string][]byte {
	files := g.answered(func(o *verify.Opening) { o.Slices.Size, o.Slices.Digest = int64(len(file)), sha256.Sum256(file) })
	files[verify.SlicesFile] = file
	return files
}
