package verify_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/testdata/vectors"
	"github.com/verifyd/verifyd/verify/trace"
)

func (g *generator) rows() []vectors.Vector {
	g.documents()
	g.curves()
	g.work()
	g.walks()
	g.unaudited()
	g.circumstances()
	return g.all
}

// documents are vectors of the signed documents, the program and the beacon.
func (g *generator) documents() {
	const jobFile, program, assignment, claim, receipt, public = verify.JobFile, verify.ProgramFile, verify.AssignmentFile, verify.ClaimFile, verify.ReceiptFile, verify.BeaconFile
	const opening, opened = verify.OpeningFile, verify.OpenedFile
	g.one("job_truncated", "the last nine bytes are missing", fault.BadForm, jobFile, "", g.edited(jobFile, func(d []byte) []byte { return d[:len(d)-9] }))
	g.one("job_field_type", "a number where text is needed", fault.BadForm, jobFile, `field "payloadType"`, []byte(`{"payloadType":7}`))
	g.one("job_spaced", "a space before the document", fault.NotCanonical, jobFile, "", g.edited(jobFile, func(d []byte) []byte { return append([]byte(" "), d...) }))
	g.one("job_field_unknown", "a field that a job does not have", fault.NotCanonical, jobFile, "", g.payload(jobFile, job.Kind, g.operator, `{"version"`, `{"bonus":1,"version"`))
	g.one("job_is_claim", "a claim in place of the job", fault.WrongType, jobFile, "payloadType", g.bundle[claim])
	g.one("job_by_another", "signed by another key than the operator's", fault.BadSignature, jobFile, "", amended(g, jobFile, job.Kind, g.stranger, func(*job.Job) {}))
	g.one("job_keyid", "a key id of another key", fault.BadSignature, jobFile, "keyid", g.envelope(jobFile, func(e *dsse.Envelope) { e.Signatures[0].KeyID = keyOf(g.t, g.stranger.PrivateKey).ID().String() }))
	for _, file := range []string{jobFile, claim, receipt, opening} {
		name, _, _ := strings.Cut(file, ".")
		g.one(name+"_base64_broken", "a line break within the payload's base64", fault.BadForm, file, "payload", g.envelope(file, func(e *dsse.Envelope) { e.Payload = e.Payload[:64] + "\r\n" + e.Payload[64:] }))
	}
	g.one("job_sig_broken", "a line feed behind the signature's base64", fault.BadForm, jobFile, "sig", g.envelope(jobFile, func(e *dsse.Envelope) { e.Signatures[0].Sig += "\n" }))
	g.one("job_keyid_upper_case", "the key id in capitals", fault.BadForm, jobFile, "keyid", g.envelope(jobFile, func(e *dsse.Envelope) { e.Signatures[0].KeyID = strings.ToUpper(e.Signatures[0].KeyID) }))
	g.one("job_sig_not_der", "signature bytes that are no DER", fault.BadForm, jobFile, "sig", g.envelope(jobFile, func(e *dsse.Envelope) { e.Signatures[0].Sig = "AAAA" }))
	g.one("job_two_signatures", "the signature twice", fault.OutOfRange, jobFile, "signatures", g.envelope(jobFile, func(e *dsse.Envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) }))
	g.one("job_next_version", "of version 2", fault.UnknownVersion, jobFile, "version", g.job(func(j *job.Job) { j.Version = "verifyd-job/2" }))
	g.one("job_profile", "a profile that is none", fault.Unsupported, jobFile, "profile", g.payload(jobFile, job.Kind, g.operator, `"profile":"drn1/f32"`, `"profile":"drn9/f8"`))
	g.one("job_rule", "an order of samples that is none", fault.Unsupported, jobFile, "order", g.job(func(j *job.Job) { j.Order = "claimed" }))
	g.one("job_chain", "a chain that is none", fault.Unsupported, jobFile, "beacon", g.job(func(j *job.Job) { j.Beacon.Name = "lottery" }))
	g.one("job_no_steps", "a job of no steps", fault.BadTerms, jobFile, "steps", g.job(func(j *job.Job) { j.Steps = 0 }))
	g.one("job_no_pool", "a job of no pool", fault.BadTerms, jobFile, "pool", g.job(func(j *job.Job) { j.Pool = merkle.Hash{} }))
	g.one("job_deadline", "no time to answer", fault.BadTerms, jobFile, "deadline", g.job(func(j *job.Job) { j.Deadline = 0 }))
	g.one("job_sampled", "a range of segments that holds no number", fault.BadTerms, jobFile, "sampled.most", g.job(func(j *job.Job) { j.Sampled = job.Range{Least: 3, Most: 2} }))
	g.one("job_audit", "a job of which no claim is audited", fault.BadTerms, jobFile, "audit", g.job(func(j *job.Job) { j.Audit = 0 }))
	g.one("job_period", "a hold whose period is over before a claim is judged", fault.BadTerms, jobFile, "period", g.job(func(j *job.Job) { j.Hold, j.Period = 1, 3605 }))
	g.one("job_delay", "a public beacon that may be known when the claim arrives", fault.BadTerms, jobFile, "delay", g.job(func(j *job.Job) { j.Beacon, j.Delay = beacon.Chain{Name: beacon.Quicknet}, 5 }))
	g.one("job_issued", "issued at no time", fault.BadTerms, jobFile, "issued", g.job(func(j *job.Job) { j.Issued = 0 }))
	g.one("job_log", "a log whose key is none", fault.BadTerms, jobFile, "log: key", g.job(func(j *job.Job) { j.Log = &job.Log{Key: "log.example"} }))
	g.one("job_other_operator", "names another operator than the one that signed", fault.BadTerms, jobFile, "operator", g.job(func(j *job.Job) { j.Operator = keyOf(g.t, g.stranger.PrivateKey) }))

	g.one("program_truncated", "forty bytes of it", fault.BadForm, program, "", g.bundle[program][:40])
	g.one("program_deep", "arrays within arrays", fault.BadForm, program, "byte 8", bytes.Repeat([]byte("["), 100))
	g.one("program_next_version", "of version 2", fault.UnknownVersion, program, "version", g.swapped(program, "verifyd-program/1", "verifyd-program/2"))
	g.one("program_batch", "a batch of no rows", fault.OutOfRange, program, "", g.swapped(program, `"batch_size":6`, `"batch_size":0`))
	g.one("program_operator", "an operator that is none", fault.Unsupported, program, `node "net.0": op`, g.swapped(program, `"op":"linear"`, `"op":"oracle"`))
	g.one("program_group", "a group of a parameter that is none", fault.OutOfRange, program, "groups[0]: params[0]",
		g.swapped(program, `"clip_norm"`, `"groups":[{"params":["net.9.bias"],"optimizer":{"kind":"sgd"},"schedule":{"kind":"constant","rate":0.1}}],"clip_norm"`))
	g.one("program_other", "another program than the job's", fault.WrongDigest, program, "", g.swapped(program, `"clip_norm":0.5`, `"clip_norm":1`))
	g.one("program_spaced", "a space behind a brace", fault.NotCanonical, program, "", g.swapped(program, `{`, `{ `))

	g.one("assignment_by_worker", "signed by the worker", fault.BadSignature, assignment, "", amended(g, assignment, job.AssignmentKind, g.worker, func(*job.Assignment) {}))
	g.one("assignment_other_job", "of another job", fault.WrongJob, assignment, "job", g.assignment(func(a *job.Assignment) { a.Job[0] ^= 1 }))
	g.one("assignment_slot", "of a slot that the job does not have", fault.OutOfRange, assignment, "slot", g.assignment(func(a *job.Assignment) { a.Slot = 2 }))
	g.one("assignment_early", "registered before the job was issued", fault.BadTerms, assignment, "registered", g.assignment(func(a *job.Assignment) { a.Registered = 1 }))
	g.one("assignment_to_operator", "to the operator's own key", fault.OwnWork, assignment, "worker", g.assignment(func(a *job.Assignment) { a.Worker = keyOf(g.t, g.operator.PrivateKey).ID() }))
	g.one("assignment_next_version", "of version 2", fault.UnknownVersion, assignment, "version", g.assignment(func(a *job.Assignment) { a.Version = "verifyd-assignment/2" }))
	g.add("assignment_other_seed", "another order, under the old receipt", fault.WrongClaim, receipt, "assignment", map[string][]byte{assignment: g.assignment(func(a *job.Assignment) { a.Seed[0] ^= 1 })})

	g.one("claim_other_job", "of another job", fault.WrongJob, claim, "job", g.claim(func(c *trace.Claim) { c.Job[0] ^= 1 }))
	g.one("claim_slot", "for a slot that the job does not have", fault.OutOfRange, claim, "slot", g.claim(func(c *trace.Claim) { c.Slot = 2 }))
	g.one("claim_steps", "of fewer steps than the job's", fault.OutOfRange, claim, "steps", g.claim(func(c *trace.Claim) { c.Steps = 3 }))
	g.one("claim_next_version", "of version 2", fault.UnknownVersion, claim, "version", g.claim(func(c *trace.Claim) { c.Version = "verifyd-claim/2" }))
	g.one("claim_in_another_name", "names another worker than the one that signed", fault.BadSignature, claim, "", g.claim(func(c *trace.Claim) { c.Worker = keyOf(g.t, g.stranger.PrivateKey) }))
	g.one("claim_key", "a worker whose key is none", fault.BadKey, claim, "key", g.payload(claim, trace.ClaimKind, g.worker, `"worker":"MF`, `"worker":"AA`))
	g.add("claim_root", "claims another root, under the old receipt", fault.WrongClaim, receipt, "claim", map[string][]byte{claim: g.claim(func(c *trace.Claim) { c.Root[0] ^= 1 })})

	g.one("receipt_by_worker", "signed by the worker", fault.BadSignature, receipt, "", amended(g, receipt, "receipt", g.worker, func(*verify.Receipt) {}))
	g.one("receipt_other_job", "of another job", fault.WrongJob, receipt, "job", g.receipt(func(r *verify.Receipt) { r.Job[0] ^= 1 }))
	g.one("receipt_next_version", "of version 2", fault.UnknownVersion, receipt, "version", g.receipt(func(r *verify.Receipt) { r.Version = "verifyd-receipt/2" }))
	g.one("receipt_before_time", "a claim that arrived before its worker was registered", fault.BadTerms, receipt, "arrived", g.receipt(func(r *verify.Receipt) { r.Arrived = 1 }))
	g.one("receipt_renews_unwitnessed", "a receipt that came too late, where no witness says so", fault.BadTerms, receipt, "renews", g.renewed(func(*verify.Receipt) {}))
	g.one("receipt_sampled", "more segments than the job's range has", fault.BadTerms, receipt, "sampled", g.receipt(func(r *verify.Receipt) { r.Sampled++ }))
	g.one("receipt_worker", "for another worker", fault.WrongClaim, receipt, "worker", g.receipt(func(r *verify.Receipt) { r.Worker[0] ^= 1 }))
	g.one("receipt_slot", "for another slot", fault.WrongClaim, receipt, "slot", g.receipt(func(r *verify.Receipt) { r.Slot ^= 1 }))
	g.one("receipt_root", "for other leaves than the claim's", fault.WrongClaim, receipt, "claim", g.receipt(func(r *verify.Receipt) { r.Root[0] ^= 1 }))

	_, other := beacon.NewFixed([32]byte{9})
	g.one("beacon_other_value", "a value that the job does not commit to", fault.BadBeacon, public, "value", g.encoded(other))
	g.one("beacon_other_round", "of round 2", fault.WrongRound, public, "round", g.swapped(public, `"round":1`, `"round":2`))
	g.one("beacon_other_chain", "of another chain", fault.WrongRound, public, "chain", g.swapped(public, `"fixed"`, `"drand-quicknet"`))
	g.one("beacon_short", "a value of one byte", fault.BadLength, public, "value", g.encoded(beacon.Beacon{Chain: beacon.Fixed, Round: 1, Value: "04"}))
	g.one("beacon_not_hex", "a value that is not hexadecimal", fault.BadForm, public, "value", g.encoded(beacon.Beacon{Chain: beacon.Fixed, Round: 1, Value: "zz"}))

	g.one("opening_by_another", "signed by another key than the worker's", fault.BadSignature, opening, "", amended(g, opening, "opening", g.stranger, func(*verify.Opening) {}))
	g.one("opening_other_job", "of another job", fault.WrongJob, opening, "job", g.opening(func(o *verify.Opening) { o.Job[0] ^= 1 }))
	g.one("opening_other_claim", "of another claim", fault.WrongClaim, opening, "claim", g.opening(func(o *verify.Opening) { o.Claim[0] ^= 1 }))
	g.one("opening_other_receipt", "answers another receipt", fault.WrongChallenge, opening, "receipt", g.opening(func(o *verify.Opening) { o.Receipt[0] ^= 1 }))
	g.fails("opening_other_seed", "answers another challenge than the one of its receipt", verify.Malformed, g.answered(func(o *verify.Opening) { o.Seed[0] ^= 1 }))
	g.fails("opening_too_few", "answers half of the challenge", verify.Malformed, g.answered(func(o *verify.Opening) { o.Segments = o.Segments[1:] }))
	g.fails("opening_size", "a file that no segment has", verify.Malformed, g.answered(func(o *verify.Opening) { o.Segments[0].Size = 1 << 60 }))
	g.one("opening_next_version", "of version 2", fault.UnknownVersion, opening, "version", g.opening(func(o *verify.Opening) { o.Version = "verifyd-opening/2" }))

	g.one("opened_by_worker", "signed by the worker", fault.BadSignature, opened, "", amended(g, opened, "opened", g.worker, func(*verify.Opened) {}))
	g.one("opened_other_job", "of another job", fault.WrongJob, opened, "job", g.openedBy(func(o *verify.Opened) { o.Job[0] ^= 1 }))
	g.one("opened_other_claim", "of another claim", fault.WrongClaim, opened, "claim", g.openedBy(func(o *verify.Opened) { o.Claim[0] ^= 1 }))
	g.one("opened_other_receipt", "of another receipt", fault.WrongClaim, opened, "receipt", g.openedBy(func(o *verify.Opened) { o.Receipt[0] ^= 1 }))
	g.one("opened_other_opening", "of another opening", fault.WrongDigest, opened, "opening", g.openedBy(func(o *verify.Opened) { o.Opening[0] ^= 1 }))
	g.one("opened_early", "before the claim", fault.BadTerms, opened, "arrived", g.openedBy(func(o *verify.Opened) { o.Arrived = 1 }))
	g.one("opened_next_version", "of version 2", fault.UnknownVersion, opened, "version", g.openedBy(func(o *verify.Opened) { o.Version = "verifyd-opened/2" }))
	late := arrived.Unix() + 6 + 3600
	g.fails("opened_late", "a second after the deadline", verify.Late, map[string][]byte{opened: g.openedBy(func(o *verify.Opened) { o.Arrived = late + 1 })})
}

// work are vectors of the leaves and the opened segments.
func (g *generator) work() {
	const leaves, header = verify.LeavesFile, 16
	leaf := func(change func(first []byte)) []byte {
		return g.edited(leaves, func(d []byte) []byte { change(d[header : header+trace.LeafSize]); return d })
	}
	g.one("leaves_truncated", "the last byte is missing", fault.BadLength, leaves, "leaf 3", g.edited(leaves, func(d []byte) []byte { return d[:len(d)-1] }))
	g.one("leaves_trailing", "a byte behind the last leaf", fault.TooLarge, leaves, "", g.edited(leaves, func(d []byte) []byte { return append(d, 0) }))
	g.one("leaves_empty", "an empty file", fault.BadLength, leaves, "header", nil)
	g.one("leaves_magic", "begins with other bytes", fault.BadForm, leaves, "header", g.edited(leaves, func(d []byte) []byte { d[7] = '2'; return d }))
	g.one("leaves_count", "counts more leaves than the job has steps", fault.BadLength, leaves, "header", g.edited(leaves, func(d []byte) []byte { d[8]++; return d }))
	g.one("leaves_order", "the first leaf is of step 1, and the root another one", fault.WrongDigest, leaves, "", leaf(func(d []byte) { d[0] = 1 }))
	g.one("leaves_nan", "a loss of NaN, and the root another one", fault.WrongDigest, leaves, "", leaf(func(d []byte) { binary.LittleEndian.PutUint32(d[trace.LeafSize-4:], 0x7fc00000) }))
	g.fails("leaves_committed_nan", "a loss of NaN, as claimed", verify.Malformed, g.committed(leaf(func(d []byte) { binary.LittleEndian.PutUint32(d[trace.LeafSize-4:], 0x7fc00000) })))
	g.fails("leaves_committed_order", "the first leaf is of step 1, as claimed", verify.Malformed, g.committed(leaf(func(d []byte) { d[0] = 1 })))
	g.one("leaves_damaged", "one bit of a root", fault.WrongDigest, leaves, "", leaf(func(d []byte) { d[100] ^= 1 }))

	segment := g.segment
	g.one("segment_damaged", "one bit in its middle", fault.WrongDigest, segment, "", g.edited(segment, func(d []byte) []byte { d[len(d)/2] ^= 1; return d }))
	g.one("segment_truncated", "a hundred bytes of it", fault.BadLength, segment, "", g.bundle[segment][:100])
	g.fails("segment_not_zstd", "signed, and no zstd", verify.Malformed, g.packed([]byte("not zstd at all")))
	g.fails("segment_header_huge", "a header of 2^64-1 bytes", verify.Malformed, g.opened(func([]byte) []byte { return bytes.Repeat([]byte{0xff}, 1<<20) }))
	g.fails("segment_empty", "compressed nothing", verify.Malformed, g.opened(func([]byte) []byte { return nil }))
	g.fails("segment_bomb", "a mebibyte behind the last tensor", verify.Malformed, g.opened(func(p []byte) []byte { return append(p, make([]byte, 1<<20)...) }))
	g.fails("segment_header_array", "a header that is no object", verify.Malformed, g.opened(func(p []byte) []byte { p[8] = '['; return p }))
	g.fails("segment_other_name", "another tensor than the program's", verify.Malformed, g.opened(func(p []byte) []byte {
		return bytes.Replace(p, []byte(`"state/param/net.0.weight"`), []byte(`"state/param/net.1.weight"`), 1)
	}))
	g.fails("segment_nan", "a weight of NaN", verify.Malformed, g.opened(func(p []byte) []byte {
		at := 8 + binary.LittleEndian.Uint64(p)
		binary.LittleEndian.PutUint32(p[at+4:], math.Float32bits(float32(math.NaN())))
		return p
	}))
}

// circumstances are vectors of missing and strange files, of the machine, and of results.
func (g *generator) circumstances() {
	answers := arrived.Unix() + 6 + 3600
	g.add("good", "nothing is changed", "", "", "", nil, "verdict", "PASS none", "evidence", g.evidence)
	g.add("good_results", "concluded on results", "", "", "", g.concluded(func(r []verify.Result) []verify.Result { return r }),
		"conclude", "results.json", "verdict", "PASS none", "evidence", g.evidence)
	g.add("silent_in_time", "no opening received, at the last second", fault.NotOpenedYet, verify.OpenedFile, "", nil, "remove", verify.OpenedFile, "now", unix(answers))
	g.fails("silent_too_long", "no opening received, a second later", verify.Unopened, nil, "remove", verify.OpenedFile, "now", unix(answers+1))
	g.add("opening_missing", "an opening that was received and is gone, also past the deadline", fault.Missing, verify.OpeningFile, "", nil, "remove", verify.OpeningFile, "now", unix(answers+9999))
	g.add("assignment_missing", "no assignment", fault.Missing, verify.AssignmentFile, "", nil, "remove", verify.AssignmentFile)
	g.add("job_missing", "no job", fault.Missing, verify.JobFile, "", nil, "remove", verify.JobFile)
	g.add("leaves_missing", "no leaves", fault.Missing, verify.LeavesFile, "", nil, "remove", verify.LeavesFile)
	g.add("segment_missing", "no file of an opened segment, also past the deadline", fault.Missing, g.segment, "", nil, "remove", g.segment, "now", unix(answers+9999))
	g.add("claim_linked", "a symbolic link", fault.NotRegular, verify.ClaimFile, "", nil, "link", verify.ClaimFile)
	g.add("claim_folder", "a folder", fault.NotRegular, verify.ClaimFile, "", nil, "folder", verify.ClaimFile)
	g.add("job_grown", "a byte more than a document may have", fault.TooLarge, verify.JobFile, "", nil, "grow", verify.JobFile+" 1048577")
	g.add("leaves_swapped", "other leaves when they are read again", fault.Altered, verify.LeavesFile, "",
		map[string][]byte{verify.LeavesFile: g.edited(verify.LeavesFile, func(d []byte) []byte { d[100] ^= 1; return d })}, "swap", verify.LeavesFile)
	g.add("machine_memory", "a machine that allows a kilobyte", fault.TooMuchMemory, verify.ProgramFile, "graph", nil, "memory", "1000")
	g.add("machine_devices", "a machine whose devices fail", fault.DeviceFailed, "", "", nil, "devices", "lost")
	g.add("machine_disk", "a machine that cannot read a file", fault.Internal, verify.LeavesFile, "", nil, "unreadable", verify.LeavesFile)
	g.add("caller_gone", "a caller who has given up", fault.Interrupted, "", "", nil, "context", "cancelled")

	conclude := func(name, comment string, class fault.Class, field string, alter func(r []verify.Result) []verify.Result) {
		g.add(name, comment, class, "", field, g.concluded(alter), "conclude", "results.json")
	}
	conclude("results_too_few", "no result of the last segment", fault.Incomplete, "segment 1", func(r []verify.Result) []verify.Result { return r[:1] })
	conclude("results_unconfirmed", "a mismatch that one code path has seen", fault.Incomplete, "segment 0", func(r []verify.Result) []verify.Result {
		r[0].Steps, r[0].Mismatch, r[0].Measure = 0, &verify.Mismatch{Reason: verify.WrongLoss}, nil
		return r
	})
	conclude("results_other_case", "a result on another case", fault.WrongCase, "result 0: case", func(r []verify.Result) []verify.Result { r[0].Case[0] ^= 1; return r })
	conclude("results_next_version", "of version 2", fault.UnknownVersion, "result 1: version", func(r []verify.Result) []verify.Result {
		r[1].Version = "verifyd-result/2"
		return r
	})
	conclude("results_imprint_of_nobody", "an imprint without its verifier", fault.WrongImprint, "result 0: imprint", func(r []verify.Result) []verify.Result {
		r[0].Imprint[0] = 1
		return r
	})
	conclude("results_no_imprint", "a verifier without an imprint", fault.WrongImprint, "result 0: imprint", func(r []verify.Result) []verify.Result {
		r[0].Verifier[0] = 1
		return r
	})
	conclude("results_other_verifier", "imprints of two verifiers", fault.WrongImprint, "result 1: verifier", func(r []verify.Result) []verify.Result {
		for i := range r {
			r[i].Verifier[0], r[i].Imprint[0] = byte(i+1), 1
		}
		return r
	})
	conclude("results_steps", "more steps than the segment has", fault.OutOfRange, "result 0: steps", func(r []verify.Result) []verify.Result { r[0].Steps++; return r })
	conclude("results_no_measure", "a segment that nobody measured", fault.OutOfRange, "result 1: measure", func(r []verify.Result) []verify.Result {
		r[1].Measure = nil
		return r
	})
	conclude("results_twice", "two of one segment and code path", fault.OutOfRange, "segment 0", func(r []verify.Result) []verify.Result { return append(r, r[0]) })
}
