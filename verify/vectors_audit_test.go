package verify_test

import (
	"path/filepath"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// unaudited is a vector of a claim that is false and not drawn for audit. The openings of another claim lie in its bundle.
func (g *generator) unaudited() {
	g.t.Helper()
	r := newRig(g.t, mlp(), blobs(g.t, 12, 7), func(j *job.Job) { j.Steps, j.Stride, j.Sampled, j.Audit = 4, 2, job.Exactly(2), 1 })
	dir := r.forge(cheat{state: verifytest.FlipBit(verifytest.At(1), 0, 0).State})
	tr := must(trace.Read(dir, r.terms.Trace()))(g.t)
	defer tr.Close()
	if err := r.claimed(tr.Summary()); err != nil {
		g.t.Fatal(err)
	}
	path := filepath.Join(g.t.TempDir(), "bundle")
	err := verify.Answer(g.t.Context(), verify.Response{Terms: r.terms, Documents: r.docs, Trace: tr, Data: r.data, Signer: r.worker}, path)
	if err != nil {
		g.t.Fatal(err)
	}
	own := &generator{t: g.t, operator: g.operator, worker: g.worker, bundle: load(g.t, path)}
	files := map[string][]byte{
		verify.JobFile:        amended(own, verify.JobFile, job.Kind, g.operator, func(*job.Job) {}),
		verify.AssignmentFile: own.assignment(func(*job.Assignment) {}),
		verify.ClaimFile:      own.claim(func(*trace.Claim) {}),
		verify.ReceiptFile:    own.receipt(func(*verify.Receipt) {}),
		verify.LeavesFile:     own.bundle[verify.LeavesFile],
	}
	for name, data := range files {
		write(g.t, filepath.Join(path, name), data)
	}
	g.add("unaudited", "a lie in a claim that the beacon did not draw", "", "", "", files,
		"verdict", "UNAUDITED none", "evidence", r.judge(path, r.options(kernels.Auto, 1)).Evidence.String())
}
