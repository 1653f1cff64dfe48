package round

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// The files of a round's folder. Those of a job are named by its digest, those of a final by the digest of its claim.
const (
	File             = "round.json"
	ProgramFile      = verify.ProgramFile
	BaseFile         = verify.BaseFile
	MomentumFile     = "momentum.safetensors"
	JobsDir          = "jobs"
	FinalsDir        = "finals"
	VerdictsDir      = "verdicts"
	AggregateFile    = "aggregate.json"
	NextFile         = "next.safetensors"
	NextMomentumFile = "next-momentum.safetensors"

	documentSuffix = ".json"
	tensorsSuffix  = ".safetensors"
)

// Books are a round's folder: its documents and its base, read once, and the finals where they lie.
type Books struct {
	Round  *Round
	Digest merkle.Hash // of it
	Base   *verify.Base

	dir      string
	threads  int
	spec     *engine.Spec
	momentum [][]float32 // nil for none
	frozen   merkle.Hash
	jobs     map[merkle.Hash]*job.Job
}

// Open reads the folder of a round that operator signed. Whatever the round names must be what lies there. Threads is how many
// goroutines hash and add.
func Open(dir string, operator document.Key, threads int) (*Books, error) {
	b := &Books{dir: dir, threads: threads, jobs: map[merkle.Hash]*job.Job{}}
	data, err := readWhole(b.path(File), document.MaxSize)
	if err != nil {
		return nil, err
	}
	if b.Round, b.Digest, err = Read(b.path(File), data, operator); err != nil {
		return nil, err
	}
	if err := b.readProgram(); err != nil {
		return nil, err
	}
	for _, o := range b.Round.Jobs {
		path := b.path(JobsDir, o.Job.String()+documentSuffix)
		if data, err = readWhole(path, document.MaxSize); err != nil {
			return nil, err
		}
		j, digest, err := job.Read(path, data, operator)
		if err == nil && digest != o.Job {
			err = fault.New(fault.WrongJob, path, "", "digest %v", digest)
		}
		if err == nil {
			err = fault.In(path, b.Round.fits(j, o.Slots))
		}
		if err != nil {
			return nil, err
		}
		b.jobs[o.Job] = j
	}
	return b, b.readTensors()
}

func (b *Books) path(names ...string) string {
	return filepath.Join(append([]string{b.dir}, names...)...)
}

func (b *Books) readProgram() error {
	path := b.path(ProgramFile)
	data, err := readWhole(path, program.MaxJSON)
	if err != nil {
		return err
	}
	p, err := program.Parse(data)
	if err != nil {
		return fault.In(path, err)
	}
	if got := merkle.Hash(p.Digest()); got != b.Round.Program {
		return fault.New(fault.WrongDigest, path, "", "digest %v, the round names %v", got, b.Round.Program)
	}
	b.spec, err = engine.NewSpec(p, kernels.ProfileF32, 0) // no product is computed
	return fault.In(path, err)
}

// readTensors reads the base, and the momentum if there is one.
func (b *Books) readTensors() (err error) {
	if b.Base, err = readBase(b.path(BaseFile), b.spec.Plan, b.threads); err != nil {
		return err
	}
	if b.Base.Root != b.Round.Base {
		return fault.New(fault.WrongDigest, b.path(BaseFile), "", "root %v, the round names %v", b.Base.Root, b.Round.Base)
	}
	if b.spec.Frozen != nil {
		frozen := tensorsLike(b.spec.Plan.Frozen())
		b.spec.Plan.StartFrozen(frozen)
		b.spec.Plan.StartFrom(b.Base.Tensors(), nil, frozen)
		b.frozen = state.NewHasher(b.spec.Frozen, b.threads).Root(state.Counters{}, frozen)
	}
	if b.Round.Momentum == (merkle.Hash{}) {
		return nil
	}
	var root merkle.Hash
	path := b.path(MomentumFile)
	if b.momentum, root, err = readMomentum(path, b.spec.Plan, b.threads); err != nil {
		return err
	}
	if root != b.Round.Momentum {
		return fault.New(fault.WrongDigest, path, "", "root %v, the round names %v", root, b.Round.Momentum)
	}
	return nil
}

func readBase(path string, plan *program.Plan, threads int) (*verify.Base, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return verify.ReadBase(bufio.NewReaderSize(f, 1<<16), path, plan, threads)
}

func tensorsLike(specs []program.TensorSpec) [][]float32 {
	all := make([][]float32, len(specs))
	for i, s := range specs {
		all[i] = make([]float32, s.Len())
	}
	return all
}

// Finals are those that a round is aggregated from: one for each verdict in the folder. A verdict that is none of the round's
// verifiers', none on a job of the round, or no PASS is refused, and so is a slot that has two.
func (b *Books) Finals() (finals []Final, total uint64, err error) {
	files, err := os.ReadDir(b.path(VerdictsDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, 0, err
	}
	if len(files) > MaxFinals {
		return nil, 0, fault.New(fault.TooLarge, b.path(VerdictsDir), "", "%d files, the limit is %d", len(files), MaxFinals)
	}
	for _, entry := range files {
		path := b.path(VerdictsDir, entry.Name())
		f, err := b.final(path)
		if err == nil && strings.TrimSuffix(entry.Name(), documentSuffix) != f.Claim.String() {
			err = fault.New(fault.WrongClaim, "", "finding.claim", "%v, the file is named otherwise", f.Claim)
		}
		if err != nil {
			return nil, 0, fault.In(path, err)
		}
		finals = append(finals, f)
	}
	total, err = gather(finals)
	return finals, total, err
}

// final reads a verdict.
func (b *Books) final(path string) (Final, error) {
	data, err := readWhole(path, document.MaxSize)
	if err != nil {
		return Final{}, err
	}
	return b.read(path, data)
}

// read is what a verdict adds to the round.
func (b *Books) read(file string, data []byte) (Final, error) {
	v, verifier, err := b.Round.ReadVerdict(file, data)
	if err != nil {
		return Final{}, err
	}
	j := b.jobs[v.Finding.Job]
	if j == nil {
		return Final{}, fault.New(fault.WrongJob, "", "finding.job", "%v of worker %v is none of the round's, whose base is %v", v.Finding.Job, v.Finding.Worker, b.Round.Base)
	}
	return b.Round.final(v, verifier, j, uint64(b.spec.Plan.X().Shape[0]))
}

// ReadVerdict reads a verdict that one of the round's verifiers signed. Errors begin with file.
func (r *Round) ReadVerdict(file string, data []byte) (v *verify.Verdict, verifier document.Key, err error) {
	for _, verifier = range r.Verifiers {
		if v, err = verify.ReadVerdict(file, data, verifier); fault.Of(err) != fault.BadSignature {
			return v, verifier, err
		}
	}
	return nil, verifier, fault.New(fault.BadSignature, file, "", "the signature is none of the round's verifiers'")
}

// sameFinals is the place of the first final in which two lists differ, if they do.
func sameFinals(a, b []Final) (at int, same bool) {
	for i := range a {
		if i >= len(b) || !a[i].equal(&b[i]) {
			return i, false
		}
	}
	return len(a), len(a) == len(b)
}

func (f *Final) equal(g *Final) bool {
	x, y := *f, *g
	x.Data, y.Data = nil, nil
	return x == y && (f.Data == nil) == (g.Data == nil) && (f.Data == nil || *f.Data == *g.Data)
}
