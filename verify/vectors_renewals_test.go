package verify_test

import (
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// again is how many seconds after the bundle's claim it is received again.
const again = 100

// renewed is the bundle's receipt, received again, altered.
func (g *generator) renewed(alter func(*verify.Receipt)) []byte {
	g.t.Helper()
	return g.receipt(func(r *verify.Receipt) {
		late := must(document.Digest("receipt", *r))(g.t)
		r.Renews = []verify.LateReceipt{{Receipt: late, Arrived: r.Arrived}}
		r.Arrived += again
		alter(r)
	})
}

// renewals are vectors of receipts that renew the one of the bundle.
func (g *generator) renewals() {
	const receipt = verify.ReceiptFile
	file := g.renewed(func(*verify.Receipt) {})
	read := must(document.Peek[verify.Receipt](receipt, file, "receipt"))(g.t)
	digest := must(document.Digest("receipt", read))(g.t)
	files := g.reopened(file)
	opening := must(document.Peek[verify.Opening](verify.OpeningFile, files[verify.OpeningFile], "opening"))(g.t)
	files[verify.OpenedFile] = g.openedBy(func(o *verify.Opened) {
		o.Receipt, o.Opening, o.Arrived = digest, must(document.Digest("opening", opening))(g.t), o.Arrived+again
	})
	files[receipt] = file
	files[verify.ReceiptProofFile] = g.proof(file, lastReceipt+again, g.witnesses...)
	files[verify.OpenedProofFile] = g.proof(files[verify.OpenedFile], lastOpening+again, g.witnesses...)
	g.judged("receipt_renewed", "a claim that was received again, and opened again", "PASS none", files)
	g.add("receipt_renewed_opened_before", "received again, with the opening to the receipt that came too late", fault.WrongChallenge, verify.OpeningFile, "receipt",
		map[string][]byte{receipt: file, verify.ReceiptProofFile: files[verify.ReceiptProofFile]})

	bad := func(name, comment, field string, alter func(r *verify.Receipt)) {
		g.one("receipt_renews_"+name, comment, fault.BadTerms, receipt, field, g.renewed(alter))
	}
	bad("other_root", "the receipt of another root", "renews: 0", func(r *verify.Receipt) {
		first := *r
		first.Root[0] ^= 1
		first.Arrived, first.Renews = r.Renews[0].Arrived, nil
		r.Renews[0].Receipt = must(document.Digest("receipt", first))(g.t)
	})
	bad("other_time", "the receipt of another second", "renews: 0", func(r *verify.Receipt) { r.Renews[0].Arrived-- })
	bad("early", "before the round of the first was out", "renews: 0", func(r *verify.Receipt) { r.Arrived = r.Renews[0].Arrived + 5 })
	bad("beacon", "the value of a fixed chain", "renews: 0: beacon", func(r *verify.Receipt) { r.Renews[0].Beacon = &beacon.Beacon{Chain: beacon.Fixed, Round: 1} })
	bad("link_less", "the first of two left out", "renews: 0", func(r *verify.Receipt) {
		second := must(document.Digest("receipt", *r))(g.t)
		r.Renews = []verify.LateReceipt{{Receipt: second, Arrived: r.Arrived}}
		r.Arrived += again
	})
	bad("many", "nine receipts", "renews", func(r *verify.Receipt) { r.Renews = slices.Repeat(r.Renews, 9) })
	g.one("receipt_renewed_root", "another root", fault.WrongClaim, receipt, "claim", g.renewed(func(r *verify.Receipt) { r.Root = merkle.Hash{1} }))
}
