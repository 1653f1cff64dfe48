package verify_test

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// half is a job of which every other claim is audited.
func half(j *job.Job) { j.Audit = job.Millionths / 2 }

// draws lets the claim of a trace arrive at a time at which the beacon draws it for audit, or does not.
func (r *rig) draws(audited bool, traceDir string) {
	r.t.Helper()
	tr := must(trace.Read(traceDir, r.terms.Trace()))(r.t)
	defer tr.Close()
	for range 100 {
		r.arrived = r.arrived.Add(time.Second)
		received := must(r.pool().Receipt(tr.Summary()))(r.t)
		ch := must(r.terms.DrawWith(trace.Claim{Root: tr.Summary().Root}, received, secret))(r.t)
		if ch.Audited == audited {
			return
		}
	}
	r.t.Fatalf("a hundred claims, and never %v", audited)
}

// wordOf is the word that decides whether a claim is audited, as SPEC.md has it.
func wordOf(t testing.TB, root, receipt, randomness merkle.Hash) *big.Int {
	t.Helper()
	return new(big.Int).SetBytes(must(hkdf.Key(sha256.New, randomness[:], root[:], "verifyd-audit/1"+string(receipt[:]), 8))(t))
}

func TestAsManyClaimsAreAuditedAsTheJobSaysAndTheBeaconAloneSaysWhich(t *testing.T) {
	const draws = 1000
	for _, share := range []uint32{1, 20_000, 333_333, job.Millionths - 1, job.Millionths} {
		r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Audit = share })
		root := merkle.Hash{1}
		receipt := must(document.Digest("receipt", must(r.pool().Receipt(trace.Summary{Steps: 23, Root: root}))(t)))(t)
		limit := new(big.Int).Mul(big.NewInt(int64(share)), new(big.Int).Lsh(big.NewInt(1), 64))
		audited := 0
		for _, ch := range r.challenges(draws) {
			word := wordOf(t, root, receipt, ch.Randomness)
			want := word.Mul(word, big.NewInt(job.Millionths)).Cmp(limit) < 0
			if ch.Audited != want || want != (len(ch.Segments) > 0) {
				t.Fatalf("share %d: audited %v, want %v; segments %d", share, ch.Audited, want, ch.Segments)
			}
			if want {
				audited++
			}
		}
		p := float64(share) / job.Millionths
		if deviation := math.Sqrt(draws * p * (1 - p)); math.Abs(float64(audited)-draws*p) > 5*deviation {
			t.Errorf("share %d: %d of %d are audited, %.0f expected", share, audited, draws, draws*p)
		}
	}
}

func TestAClaimThatIsNotDrawnEndsUnauditedAndNothingIsAskedOfItsWorker(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), half)
	// Even a forged one: nobody looks.
	dir := r.forge(cheat{state: verifytest.FlipBit(verifytest.At(4), 0, 0).State})
	r.draws(false, dir)
	pool, bundle := r.pool(), filepath.Join(t.TempDir(), "bundle")
	tr := must(trace.Read(dir, r.terms.Trace()))(t)
	defer tr.Close()
	if err := pool.Claim(tr.Summary()); err != nil {
		t.Fatal(err)
	}
	err := verify.Answer(t.Context(), verify.Response{
		Terms: r.terms, Documents: pool.Documents, Trace: tr, Data: r.data, Signer: r.worker,
	}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	if left := must(os.ReadDir(filepath.Join(bundle, verify.OpeningsDir)))(t); len(left) != 0 {
		t.Errorf("%d segments were opened", len(left))
	}
	o := r.options(kernels.Auto, 1)
	o.Verifier = merkle.Hash{7}
	v := r.judge(bundle, o)
	f := v.Finding
	if f.Outcome != verify.Unaudited || f.Reason != verify.Honest || f.First != nil || f.Sampled != 0 || f.Replayed != 0 ||
		f.Challenged == nil || len(f.Challenged) != 0 || f.Odds.Lies[0].Caught != "0.000000" || v.Imprints != nil {
		t.Errorf("%+v", v)
	}
	if err := r.terms.CheckAudit(f); err != nil {
		t.Error(err)
	}
	// Not answering is no silence, whenever it is judged.
	o.Now = r.arrived.Add(100 * 365 * 24 * time.Hour)
	if late := r.judge(bundle, o); late.Evidence != v.Evidence {
		t.Errorf("later it is %s for %s", late.Finding.Outcome, late.Finding.Reason)
	}
	c := r.openCase(bundle)
	if _, err := c.Silence(o.Now); err == nil {
		t.Error("silence of a worker who was not asked")
	}
	if segments, confirm, err := c.Left(nil); err != nil || segments != nil || confirm != nil {
		t.Errorf("%d, %v, %v", segments, confirm, err)
	}
	if _, err := c.Replay(t.Context(), 0, o.Devices[0], o.Verifier); err == nil {
		t.Error("a segment that nobody drew was replayed")
	}
	if _, err := c.Conclude([]verify.Result{{Version: verify.ResultVersion, Case: c.ID(), Device: "d", Path: "p", Steps: 3}}); err == nil {
		t.Error("results of a claim that nobody drew were taken")
	}
	// What a worker sends unasked gets no receipt, and changes nothing.
	if err := pool.Open(t.Context(), bundle, r.arrived.Add(10*time.Second)); fault.Of(err) != fault.WrongChallenge {
		t.Error(err)
	}
	for _, name := range []string{verify.OpenedFile, verify.OpeningFile, verifytest.Opened(0)} {
		write(t, filepath.Join(bundle, name), []byte("garbage"))
	}
	if again := r.judge(bundle, o); again.Evidence != v.Evidence {
		t.Errorf("with an opening it is %s for %s", again.Finding.Outcome, again.Finding.Reason)
	}
	if signed := must(v.Sign(newKey(t, 3)))(t); must(verify.ReadVerdict("v", signed, keyOf(t, newKey(t, 3))))(t).Evidence != v.Evidence {
		t.Error("it comes back otherwise")
	}
}

func TestAReceiptThatRenewsAnotherFreesNoClaimFromTheAuditThatWasDrawn(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), half)
	claim := trace.Claim{Root: merkle.Hash{1}}
	drawn := func(receipt verify.Receipt) *verify.Challenge {
		return must(r.terms.DrawWith(claim, receipt, secret))(t)
	}
	seen := map[[2]bool]int{}
	for range 60 {
		r.arrived = r.arrived.Add(time.Second)
		first := must(r.pool().Receipt(trace.Summary{Steps: 23, Root: claim.Root}))(t)
		renewal := first
		renewal.Arrived += 60
		renewal.Renews = []verify.LateReceipt{{Receipt: must(document.Digest("receipt", first))(t), Arrived: first.Arrived}}
		digest := must(document.Digest("receipt", renewal))(t)
		word := wordOf(t, claim.Root, digest, secret)
		fresh := word.Mul(word, big.NewInt(job.Millionths)).Cmp(new(big.Int).Lsh(big.NewInt(job.Millionths/2), 64)) < 0
		before, both := drawn(first), drawn(renewal)
		seen[[2]bool{before.Audited, fresh}]++
		if both.Audited != (before.Audited || fresh) {
			t.Fatalf("audited %v, by the receipt before %v, by its own draw %v", both.Audited, before.Audited, fresh)
		}
		for _, segment := range before.Segments {
			if !slices.Contains(both.Segments, segment) {
				t.Fatalf("segment %d of %d is not drawn any more: %d", segment, before.Segments, both.Segments)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("%v: not all is tried", seen)
	}
}

func TestLeavesThatShowALieAreAFailWhetherOrNotTheClaimIsDrawn(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), half)
	dir := r.forge(cheat{record: verifytest.BreakChain(verifytest.At(4)).Record})
	r.draws(false, dir)
	p, bundle := r.pool(), filepath.Join(t.TempDir(), "bundle")
	tr := must(trace.Read(dir, r.terms.Trace()))(t)
	defer tr.Close()
	if err := p.Claim(tr.Summary()); err != nil {
		t.Fatal(err)
	}
	err := verify.Answer(t.Context(), verify.Response{Terms: r.terms, Documents: p.Documents, Trace: tr, Data: r.data, Signer: r.worker}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	f := r.judge(bundle, r.options(kernels.Auto, 1)).Finding
	if f.Outcome != verify.Fail || f.Reason != verify.BrokenChain {
		t.Errorf("%s for %s", f.Outcome, f.Reason)
	}
	if err := r.terms.CheckAudit(f); err != nil {
		t.Error(err)
	}
}

func TestAVerifierWhoSaysUnauditedOfADrawnClaimIsRefusedAndSoIsOneWhoSaysMoreOfAnother(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), half)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	key := newKey(t, 3)
	o := r.options(kernels.Auto, 1)
	o.Verifier = keyOf(t, key).ID()
	judged := func(audited bool) (*verify.Case, *verify.Verdict) {
		r.draws(audited, dir)
		p, bundle := r.pool(), filepath.Join(t.TempDir(), "bundle")
		tr := must(trace.Read(dir, r.terms.Trace()))(t)
		defer tr.Close()
		if err := p.Claim(tr.Summary()); err != nil {
			t.Fatal(err)
		}
		err := verify.Answer(t.Context(), verify.Response{Terms: r.terms, Documents: p.Documents, Trace: tr, Data: r.data, Signer: r.worker, Device: o.Devices[0]}, bundle)
		if err == nil && audited {
			err = p.Open(t.Context(), bundle, r.arrived.Add(10*time.Second))
		}
		if err != nil {
			t.Fatal(err)
		}
		return r.openCase(bundle), r.judge(bundle, o)
	}
	for _, audited := range []bool{true, false} {
		c, v := judged(audited)
		if want := map[bool]verify.Outcome{true: verify.Pass, false: verify.Unaudited}[audited]; v.Finding.Outcome != want {
			t.Fatalf("%s for %s", v.Finding.Outcome, v.Finding.Reason)
		}
		if err := errors.Join(r.terms.CheckAudit(v.Finding), c.CheckImprint(t.Context(), v, keyOf(t, key), o)); err != nil {
			t.Error(err)
		}
		for name, lie := range map[string]func(*verify.Verdict){
			"unaudited": func(v *verify.Verdict) {
				v.Finding.Outcome, v.Finding.Challenged, v.Finding.Sampled, v.Finding.Replayed, v.Imprints = verify.Unaudited, []uint64{}, 0, 0, nil
			},
			"passed on nothing": func(v *verify.Verdict) {
				v.Finding.Outcome, v.Finding.Challenged, v.Finding.Sampled, v.Finding.Replayed, v.Imprints = verify.Pass, []uint64{}, 0, 0, nil
			},
			"passed":             func(v *verify.Verdict) { v.Finding.Outcome = verify.Pass },
			"passed on replays":  func(v *verify.Verdict) { v.Finding.Outcome, v.Finding.Replayed = verify.Pass, 6 },
			"silent":             func(v *verify.Verdict) { v.Finding.Outcome, v.Finding.Reason = verify.Fail, verify.Unopened },
			"late":               func(v *verify.Verdict) { v.Finding.Outcome, v.Finding.Reason = verify.Fail, verify.Late },
			"malformed, opened":  func(v *verify.Verdict) { v.Finding.Outcome, v.Finding.Reason = verify.Fail, verify.Malformed },
			"unaudited, replays": func(v *verify.Verdict) { v.Finding.Outcome, v.Finding.Replayed = verify.Unaudited, 3 },
			"unaudited, sampled": func(v *verify.Verdict) { v.Finding.Outcome, v.Finding.Sampled = verify.Unaudited, 3 },
			"undecided": func(v *verify.Verdict) {
				v.Finding.Outcome, v.Finding.Reason = verify.Inconclusive, verify.Disagreement
			},
		} {
			other := *v
			lie(&other)
			same := must(document.Encode(other.Finding))(t)
			if string(same) == string(must(document.Encode(v.Finding))(t)) {
				continue
			}
			if err := c.CheckImprint(t.Context(), &other, keyOf(t, key), o); err == nil {
				t.Errorf("drawn %v, %s: holds against a replay", audited, name)
			}
			if other.Finding.Outcome == verify.Pass && len(other.Finding.Challenged) == 0 {
				if _, err := other.Sign(key); fault.Of(err) != fault.WrongImprint {
					t.Errorf("drawn %v, %s: %v", audited, name, err)
				}
			}
			err := r.terms.CheckAudit(other.Finding)
			if unaudited := other.Finding.Outcome == verify.Unaudited; (!audited || unaudited) && fault.Of(err) != fault.WrongChallenge {
				t.Errorf("drawn %v, %s: %v", audited, name, err)
			}
		}
	}
}
