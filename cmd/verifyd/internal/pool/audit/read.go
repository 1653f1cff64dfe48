package audit

import (
	"bytes"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

type hash = merkle.Hash

// Kinds of documents.
const (
	receiptKind = document.Kind("receipt")
	openedKind  = document.Kind("opened")
)

var jobType = job.Kind.PayloadType()

// jobs are by their digests, which name their operators as well: nobody else can have signed them.
type jobs map[hash]*job.Job

func (j jobs) add(file []byte) error {
	of, digest, err := pool.ReadJob(file)
	if err != nil {
		return err
	}
	j[digest] = of
	return nil
}

// typeOf is the payload type of an envelope; empty for anything else.
func typeOf(entry []byte) string {
	rest, ok := bytes.CutPrefix(entry, []byte(`{"payloadType":"`))
	name, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed {
		return ""
	}
	return string(name)
}

// read judges the next entry.
func (a *audit) read(e []byte) {
	switch typeOf(e) {
	case jobType:
	case job.RegistrationKind.PayloadType():
		if doc, digest, of, ok := by(a, e, job.RegistrationKind, func(d job.Registration) hash { return d.Job }); ok {
			a.report.Registrations++
			a.registered(doc, digest, of)
		}
	case job.AssignmentKind.PayloadType():
		if doc, digest, _, ok := by(a, e, job.AssignmentKind, func(d job.Assignment) hash { return d.Job }); ok {
			a.report.Assignments++
			a.assigned(doc, digest)
		}
	case receiptKind.PayloadType():
		if doc, digest, of, ok := by(a, e, receiptKind, func(d verify.Receipt) hash { return d.Job }); ok {
			a.report.Receipts++
			a.received(doc, digest, of)
		}
	case openedKind.PayloadType():
		if doc, digest, of, ok := by(a, e, openedKind, func(d verify.Opened) hash { return d.Job }); ok {
			a.report.Openings++
			a.opened(doc, digest, of)
		}
	case valuation.ClaimsKind.PayloadType():
		a.claimLists(e)
	default:
		a.statement(e)
	}
}

// by reads a document that the operator of its job signed.
func by[T any](a *audit, entry []byte, kind document.Kind, of func(T) hash) (doc T, digest hash, j *job.Job, ok bool) {
	doc, err := document.Peek[T]("", entry, kind)
	if err != nil {
		a.report.Foreign++
		return doc, digest, nil, false
	}
	if j = a.jobs[of(doc)]; j == nil {
		a.report.Unknown++
		return doc, digest, nil, false
	}
	if doc, digest, err = document.Read[T]("", entry, kind, j.Operator); err != nil {
		a.report.Foreign++
		return doc, digest, nil, false
	}
	return doc, digest, j, true
}

// statement judges an entry that is of package proofs, if it is.
func (a *audit) statement(entry []byte) {
	envelope, err := proofs.ParseEnvelope(entry)
	if err != nil {
		a.report.Other++
		return
	}
	stated, err := proofs.Parse(envelope.Type, envelope.Body)
	if err != nil {
		a.report.Other++
		return
	}
	switch s := stated.(type) {
	case proofs.Contribution:
		a.report.Contributions++
		a.contributed(s, envelope.Body)
	case proofs.Revocation:
		a.report.Revocations++
		a.revoked(s)
	default:
		a.report.Other++
	}
}
