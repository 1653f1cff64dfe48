package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/odds"
)

// sheet is the results of a case, in ascending order of segments and, within one, with a mismatch first.
type sheet struct{ results []Result }

// sheetOf refuses results of another case, of several verifiers, two of one segment and code path, and two that
// agree with the claim and not with each other.
func (c *Case) sheetOf(results []Result) (*sheet, error) {
	s := &sheet{slices.Clone(results)}
	for i := range s.results {
		if err := c.belongs(&s.results[i]); err != nil {
			return nil, fault.Under(fmt.Sprintf("result %d", i), err)
		}
		if by := s.results[0].Verifier; s.results[i].Verifier != by {
			return nil, wrongImprint(fmt.Sprintf("result %d: verifier", i), "%v, result 0 is %v's", s.results[i].Verifier, by)
		}
	}
	slices.SortStableFunc(s.results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), compareMismatch(a.Mismatch, b.Mismatch))
	})
	for i, r := range s.results {
		for k := i - 1; k >= 0 && s.results[k].Segment == r.Segment; k-- {
			if s.results[k].Path == r.Path {
				return nil, outOfRange(fmt.Sprintf("segment %d", r.Segment), "two results of %s", r.Path)
			}
			if other := s.results[k]; r.Mismatch == nil && other.Mismatch == nil && r.Imprint != other.Imprint {
				return nil, wrongImprint(fmt.Sprintf("segment %d", r.Segment), "%s and %s differ inside a step", r.Path, other.Path)
			}
		}
	}
	return s, nil
}

// compareMismatch puts a mismatch before none, an earlier one before a later one, and orders those of one step
// by what they blame, so that the order in which results come does not show.
func compareMismatch(a, b *Mismatch) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Or(
		cmp.Compare(a.Step, b.Step),
		cmp.Compare(slices.Index(replayed, a.Reason), slices.Index(replayed, b.Reason)),
		cmp.Compare(a.Tensor, b.Tensor),
		slices.Compare(a.Found[:], b.Found[:]),
	)
}

// of are the results of a segment.
func (s *sheet) of(segment uint64) []Result {
	from, _ := slices.BinarySearchFunc(s.results, segment, func(r Result, want uint64) int { return cmp.Compare(r.Segment, want) })
	to := from
	for to < len(s.results) && s.results[to].Segment == segment {
		to++
	}
	return s.results[from:to]
}

// Left is what [Case.Conclude] still needs beside results: segments, in the order of the walk, or, once those are there, a
// result that must be replayed on another code path than its own before it can decide. Segments behind the end of the
// walk are not needed.
func (c *Case) Left(results []Result) (segments []uint64, confirm *Result, err error) {
	s, err := c.sheetOf(results)
	if err != nil || c.ruling != nil || !c.Challenge.Audited {
		return nil, nil, err
	}
	if err := c.answered(); err != nil {
		return nil, nil, err
	}
	trail := c.walk.Walk(c.standing(s))
	if len(trail.Need) > 0 {
		return trail.Need, nil, nil
	}
	return nil, c.unconfirmed(s, trail), nil
}

// Conclude says PASS, FAIL, INCONCLUSIVE or UNAUDITED on the results of replays, which may come in any order. The finding
// is that of replaying segment after segment in the order of the walk: what lies behind the first segment with a
// mismatch does not matter. A mismatch is a FAIL if every result of its segment, and at least two of different
// code paths, are the same one; if they differ, the case is INCONCLUSIVE. So is one whose segments do not measure the same
// on two code paths.
//
// It refuses results of another case, two of one segment and code path, a segment too few, and a mismatch that
// no second code path has replayed. A case whose leaves do not hold together, or whose opening is late or does not
// answer the challenge, needs no results, and takes none; and so does one that the beacon did not draw for audit, which is
// UNAUDITED.
func (c *Case) Conclude(results []Result) (*Verdict, error) {
	if c.ruling != nil {
		if len(results) > 0 {
			return nil, c.answered()
		}
		f := c.finding()
		f.Outcome, f.Reason, f.First = Fail, c.ruling.reason, c.ruling.first
		return c.verdict(f, "", "", nil)
	}
	if !c.Challenge.Audited {
		if len(results) > 0 {
			return nil, c.answered()
		}
		f := c.finding()
		f.Outcome = Unaudited
		return c.verdict(f, "", "", nil)
	}
	s, err := c.sheetOf(results)
	if err != nil {
		return nil, err
	}
	if err := c.answered(); err != nil {
		return nil, err
	}
	trail := c.walk.Walk(c.standing(s))
	if len(trail.Need) > 0 {
		return nil, fault.New(fault.Incomplete, "", fmt.Sprintf("segment %d", trail.Need[0]), "not replayed")
	}
	if r := c.unconfirmed(s, trail); r != nil {
		return nil, fault.New(fault.Incomplete, "", fmt.Sprintf("segment %d", r.Segment), "a mismatch that %s alone has found: %w", r.Path, ErrUnconfirmed)
	}
	f := c.finding()
	f.walked(c.walk, trail, s)
	var devices []string
	var behind []Result // the finding
	for _, segment := range trail.Order {
		if !c.opening.opens(segment) {
			break
		}
		r := s.of(segment)[0]
		if !slices.Contains(devices, r.Device) {
			devices = append(devices, r.Device)
		}
		f.Replayed += r.Steps
		behind = append(behind, r)
	}
	confirmed := ""
	if trail.Ended {
		last := trail.Order[len(trail.Order)-1]
		c.end(&f, s, last)
		if of := s.of(behind[len(behind)-1].Segment); len(of) > 1 {
			confirmed = of[1].Device
		}
	}
	return c.verdict(f, strings.Join(devices, ", then "), confirmed, behind)
}

// ErrUnconfirmed says that a mismatch must be replayed on a second code path before it is a FAIL.
var ErrUnconfirmed = fault.New(fault.Incomplete, "", "", "a second code path must confirm it")

// Silence is the FAIL of a claim of which the operator has received no opening by its deadline. Before that, and if
// there is an opening with its receipt, it is an error.
func (c *Case) Silence(now time.Time) (*Verdict, error) {
	switch {
	case c.opening != nil || c.ruling != nil || !c.Challenge.Audited:
		return nil, errors.New("the claim is opened, or needs no opening")
	case !c.Overdue(now):
		return nil, c.missing
	}
	f := c.finding()
	// That nothing came, nobody shows: it is by the operator's word and the clock of whoever judges.
	f.Outcome, f.Reason, f.Word = Fail, Unopened, OperatorsWord
	return c.verdict(f, "", "", nil)
}

// finding is that of a claim which passes, before any step is replayed.
func (c *Case) finding() Finding {
	j := c.Terms.Job
	n := j.Segments()
	k := uint64(0)
	if c.Challenge.Audited {
		k = min(uint64(c.receipt.Sampled), n)
	}
	return Finding{
		Version: VerdictVersion, Outcome: Pass, Reason: Honest, Profile: j.Profile,
		Job: c.Terms.Digest, Worker: c.Claim.Worker.ID(), Slot: c.Claim.Slot,
		Assignment: c.assignmentDigest, Data: c.Assignment.Data, Claim: c.claimDigest, Receipt: c.receiptDigest, Root: c.Claim.Root, Final: c.Claim.Final,
		Beacon: c.beacon, Round: c.Challenge.Round, Randomness: c.Challenge.Randomness, Seed: c.Challenge.Seed,
		Steps: c.Claim.Steps, Segments: n, Sampled: k, Challenged: c.Challenge.Segments,
		Odds: odds.Of(n, k, j.Gate), Word: c.word,
	}
}

func (f *Finding) fail(m *Mismatch) {
	first := m.Difference
	f.Outcome, f.Reason, f.First = Fail, m.Reason, &first
}

// verdict wraps a finding with its evidence root, the build and the imprints of the results behind it.
//
// The evidence root is the RFC 6962 root over nine leaves: those of Case.ID, and the canonical JSON of the
// finding.
func (c *Case) verdict(f Finding, device, confirmed string, behind []Result) (*Verdict, error) {
	evidence, err := c.evidence(f)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Finding: f, Evidence: evidence, Build: buildOf(device, confirmed)}
	for _, r := range behind {
		v.Verifier = r.Verifier
		if r.Imprint != (merkle.Hash{}) {
			v.Imprints = append(v.Imprints, Imprint{r.Segment, r.Imprint})
		}
	}
	return v, nil
}

func (c *Case) evidence(f Finding) (merkle.Hash, error) {
	finding, err := document.Encode(f)
	if err != nil {
		return merkle.Hash{}, err
	}
	var tree merkle.Builder
	c.appendEvidence(&tree)
	tree.Append(merkle.LeafHash(finding))
	return tree.Root(), nil
}

// Check refuses a verdict that is on another case.
func (c *Case) Check(v *Verdict) error {
	evidence, err := c.evidence(v.Finding)
	if err != nil {
		return err
	}
	if v.Evidence != evidence {
		return fault.New(fault.WrongCase, "verdict", "", "evidence %v, its finding on this case has %v", v.Evidence, evidence)
	}
	return nil
}
