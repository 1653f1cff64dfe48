package verify_test

import (
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/testdata/vectors"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// dates are vectors of the bundle whose job names a log with witnesses.
func (g *generator) dates() []vectors.Vector {
	g.add("logged_good", "nothing is changed", "", "", "", nil, "verdict", "PASS none", "evidence", g.evidence)
	g.one("job_witness_twice", "a witness twice", fault.BadTerms, verify.JobFile, "log: witnesses", g.job(func(j *job.Job) { j.Log.Witnesses[1] = j.Log.Witnesses[0] }))
	g.one("job_witness_type", "a witness whose signatures have no time", fault.BadTerms, verify.JobFile, "log: witnesses", g.job(func(j *job.Job) { j.Log.Witnesses[1] = j.Log.Key }))
	g.one("job_threshold", "more witnesses than there are", fault.BadTerms, verify.JobFile, "log: threshold", g.job(func(j *job.Job) { j.Log.Threshold = 3 }))
	for _, file := range []string{verify.AssignmentFile, verify.ReceiptFile, verify.OpenedFile} {
		last := map[bool]int64{true: lastOpening, false: lastReceipt}[file == verify.OpenedFile]
		name, proof := file[:len(file)-len(".json")], file+verify.ProofSuffix
		g.add(name+"_proof_missing", "no proof of it", fault.Missing, proof, "", nil, "remove", proof)
		g.one(name+"_proof_late", "seen a second too late", fault.Undated, proof, "checkpoint", g.proof(g.bundle[file], last+1, g.witnesses...))
		g.one(name+"_proof_one_witness", "seen by one of two", fault.BadSignature, proof, "checkpoint", g.proof(g.bundle[file], last, g.witnesses[1]))
		g.one(name+"_proof_other", "of another entry", fault.WrongDigest, proof, "path", g.proof(g.bundle[verify.ClaimFile], last, g.witnesses...))
	}
	const proof = verify.ReceiptProofFile
	g.one("proof_empty", "nothing", fault.BadForm, proof, "", nil)
	g.one("proof_index", "a zero before the index", fault.BadForm, proof, "index", g.swapped(proof, "index ", "index 0"))
	g.one("proof_signature", "a letter of a cosignature", fault.BadSignature, proof, "checkpoint", g.edited(proof, func(d []byte) []byte {
		at := len(d) - 20
		d[at] = map[bool]byte{true: 'B', false: 'A'}[d[at] == 'A']
		return d
	}))
	other := verifytest.NewLog("other.example")
	g.one("proof_other_log", "by another log", fault.BadSignature, proof, "checkpoint", must(other.Enter(g.bundle[verify.ReceiptFile], lastReceipt, g.witnesses...))(g.t))

	entry := must(verify.OpeningEntry(g.bundle[verify.OpeningFile], g.bundle[verify.ClaimFile]))(g.t)
	own := func(at int64) map[string][]byte {
		return map[string][]byte{verify.OpeningProofFile: must(other.Enter(entry, at, g.witnesses...))(g.t)}
	}
	g.judged("entered_by_worker", "an opening that only the worker entered, at the last second", "PASS none", own(lastOpening), "remove", verify.OpenedFile)
	g.add("entered_late", "by the worker, a second later", fault.NotOpenedYet, verify.OpenedFile, "", own(lastOpening+1), "remove", verify.OpenedFile)
	g.fails("entered_late_silent", "the same, past the deadline", verify.Unopened, own(lastOpening+1), "remove", verify.OpenedFile, "now", unix(lastOpening+1))
	late := own(lastOpening)
	late[verify.OpenedFile] = g.openedBy(func(o *verify.Opened) { o.Arrived = lastOpening + 1 })
	g.judged("entered_and_received_late", "by the worker in time, and dated too late by the operator", "PASS none", late)
	missing := map[string][]byte{verify.OpenedFile: late[verify.OpenedFile]}
	missing[verify.OpenedProofFile] = g.proof(missing[verify.OpenedFile], lastOpening+9, g.witnesses...)
	g.fails("logged_late", "dated too late by the operator", verify.Late, missing)
	g.renewals()
	return g.all
}

// registrations are vectors of the bundle whose order was drawn from a round.
func (g *generator) registrations() []vectors.Vector {
	const file, proof = verify.RegistrationFile, verify.RegistrationProofFile
	last := before1000.Unix() + 5
	g.add("registered_good", "nothing is changed", "", "", "", nil, "verdict", "PASS none", "evidence", g.evidence)
	g.add("registration_missing", "no registration", fault.Missing, file, "", nil, "remove", file)
	g.one("registration_by_worker", "signed by the worker", fault.BadSignature, file, "", g.registration(g.worker, func(*job.Registration) {}))
	g.one("registration_next_version", "of a version to come", fault.UnknownVersion, file, "version", g.registration(g.operator, func(r *job.Registration) { r.Version = "verifyd-registration/2" }))
	g.one("registration_other_job", "for another job", fault.WrongJob, file, "job", g.registration(g.operator, func(r *job.Registration) { r.Job[0] ^= 1 }))
	g.one("registration_other_worker", "of another worker", fault.WrongClaim, file, "worker", g.registration(g.operator, func(r *job.Registration) { r.Worker[0] ^= 1 }))
	g.one("registration_other_slot", "of another slot", fault.WrongClaim, file, "slot", g.registration(g.operator, func(r *job.Registration) { r.Slot ^= 1 }))
	g.one("registration_other_time", "a second later than the assignment says", fault.WrongClaim, file, "at", g.registration(g.operator, func(r *job.Registration) { r.At++ }))
	g.add("registration_proof_missing", "no proof of it", fault.Missing, proof, "", nil, "remove", proof)
	g.one("registration_proof_late", "seen when the round was out", fault.Undated, proof, "checkpoint", g.proof(g.bundle[file], last+1, g.witnesses...))
	g.one("registration_proof_one_witness", "seen by one of two", fault.BadSignature, proof, "checkpoint", g.proof(g.bundle[file], last, g.witnesses[1]))
	g.one("registration_proof_other", "of another entry", fault.WrongDigest, proof, "path", g.proof(g.bundle[verify.AssignmentFile], last, g.witnesses...))
	return g.all
}
