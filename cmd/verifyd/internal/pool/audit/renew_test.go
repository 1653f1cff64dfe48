package audit

import (
	"testing"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
)

// watch has the book's job name the witness of [seen].
func (b *book) watch() {
	b.t.Helper()
	log, by := newSigner("log.example", 0), newSigner("witness.example", began)
	b.of.Log = &job.Log{Key: log.vkey(), Witnesses: []string{by.vkey()}, Threshold: 1}
	b.job = must(job.Sign(*b.of, b.operator))(b.t)
	b.digest = must(document.Digest(job.Kind, *b.of))(b.t)
	b.entries = [][]byte{b.job}
}

// renew writes a receipt that renews another.
func (b *book) renew(assigned, late hash, root byte, lateAt, at int64) hash {
	b.t.Helper()
	return b.sign(receiptKind, verify.Receipt{
		Version: verify.ReceiptVersion, Job: b.digest, Assignment: assigned, Worker: hash{9}, Claim: hash{root, 1}, Root: hash{root},
		Sampled: 2, Arrived: began + at, Renews: []verify.LateReceipt{{Receipt: late, Arrived: began + lateAt}},
	})
}

func TestARenewedReceiptIsNoSecondOne(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(b *book, assigned, late hash) // behind job, assignment and a receipt that says 10 and is challenged at 16
		at    int64                              // when a witness sees job, assignment and receipt; 0 if none does
		rules []Rule
		entry int64
	}{
		"of the same claim": {func(b *book, assigned, late hash) {
			again := b.renew(assigned, late, 1, 10, 20)
			b.open(again, 1, 1, 60)
		}, 0, nil, 0},
		"opened before and behind it": {func(b *book, assigned, late hash) {
			b.open(late, 1, 1, 18)
			again := b.renew(assigned, late, 1, 10, 20)
			b.open(again, 1, 2, 60)
		}, 0, nil, 0},
		"opened twice behind it": {func(b *book, assigned, late hash) {
			again := b.renew(assigned, late, 1, 10, 20)
			b.open(again, 1, 1, 60)
			b.open(again, 1, 2, 60)
		}, 0, []Rule{SecondOpening}, 5},
		"and the late one entered again": {func(b *book, assigned, late hash) {
			b.renew(assigned, late, 1, 10, 20)
			b.receive(0, assigned, 1, 10)
		}, 0, nil, 0},
		"of another root":      {func(b *book, assigned, late hash) { b.renew(assigned, late, 2, 10, 20) }, 0, []Rule{SecondReceipt}, 3},
		"of another receipt":   {func(b *book, assigned, _ hash) { b.renew(assigned, hash{7}, 1, 10, 20) }, 0, []Rule{SecondReceipt}, 3},
		"without the late one": {func(b *book, assigned, _ hash) { b.receive(0, assigned, 1, 20) }, 0, []Rule{SecondReceipt}, 3},
		"twice": {func(b *book, assigned, late hash) {
			b.renew(assigned, late, 1, 10, 20)
			b.renew(assigned, late, 1, 10, 30)
		}, 0, []Rule{SecondReceipt}, 4},
		"of a receipt that was seen in time":  {func(b *book, assigned, late hash) { b.renew(assigned, late, 1, 10, 20) }, 15, []Rule{NeedlessRenewal}, 3},
		"of a receipt that was seen too late": {func(b *book, assigned, late hash) { b.renew(assigned, late, 1, 10, 20) }, 16, nil, 0},
	} {
		b := newBook(t)
		b.watch()
		assigned := b.assign(0, 1)
		late := b.receive(0, assigned, 1, 10)
		c.plant(b, assigned, late)
		o := Options{}
		if c.at > 0 {
			o = seen(t, 3, c.at)
		}
		r := b.audit(o)
		if len(r.Findings) != len(c.rules) || len(c.rules) > 0 && (r.Findings[0].Rule != c.rules[0] || r.Findings[0].Entry != c.entry) {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
}

func TestALateEntryIsForgivenOnceItsReceiptIsRenewed(t *testing.T) {
	b := newBook(t)
	b.watch()
	other, assigned := b.assign(1, 1), b.assign(0, 1)
	b.receive(1, other, 2, 60)
	late := b.receive(0, assigned, 1, 10) // behind an entry of 60, and challenged at 16
	if r := b.audit(Options{}); len(r.Findings) != 1 || r.Findings[0].Rule != LateReceipt {
		t.Fatalf("%+v", r.Findings)
	}
	b.renew(assigned, late, 1, 10, 70)
	if r := b.audit(Options{}); len(r.Findings) != 0 {
		t.Errorf("%+v", r.Findings)
	}
}

func TestARenewalOfAReceiptThatIsNotInTheLogIsNamed(t *testing.T) {
	b := newBook(t)
	b.watch()
	b.renew(b.assign(0, 1), hash{7}, 1, 10, 20)
	if r := b.audit(Options{}); len(r.Findings) != 1 || r.Findings[0].Rule != Unlogged {
		t.Errorf("%+v", r.Findings)
	}
}
