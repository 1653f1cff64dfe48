package audit

import (
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// list writes a list of claims, frozen some seconds behind the job's issue, and returns its entry.
func (b *book) list(at int64, claims ...byte) int64 {
	b.t.Helper()
	c := valuation.Claims{
		Version: valuation.ClaimsVersion, Pool: b.of.Pool, Audience: b.of.Audience, Policy: hash{6}, Program: b.of.Program, Base: b.of.Init.Root,
		Validation: hash{7}, Way: valuation.Way{Estimator: "exact"}, Beacon: b.of.Beacon, Delay: b.of.Delay, Frozen: began + at,
	}
	for _, claim := range claims {
		c.Claims = append(c.Claims, valuation.Listed{Claim: hash{claim, 1}, Job: b.digest, Worker: hash{9}, Owner: hash{9}, Slot: uint32(claim), Final: hash{claim}, Rows: 1})
	}
	b.add(must(c.Sign(b.operator))(b.t))
	return int64(len(b.entries) - 1)
}

func TestASecondListOfAClaimIsNamedWithTheFirst(t *testing.T) {
	for name, plant := range map[string]func(b *book) (first, second int64){
		"the same claims, frozen again": func(b *book) (int64, int64) { return b.list(60, 1, 2), b.list(66, 1, 2) },
		"fewer claims":                  func(b *book) (int64, int64) { return b.list(60, 1, 2), b.list(60, 2) },
		"one claim of it, among others": func(b *book) (int64, int64) { return b.list(60, 1, 2), b.list(60, 2, 3, 4) },
		"behind another list": func(b *book) (int64, int64) {
			first := b.list(60, 1)
			b.list(60, 5)
			return first, b.list(70, 6, 1)
		},
	} {
		b := newBook(t)
		b.honest()
		first, second := plant(b)
		r := b.audit(Options{})
		if len(r.Findings) != 1 || r.Findings[0].Rule != SecondList || r.Findings[0].Entry != second || r.Findings[0].Against != first {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
	b := newBook(t)
	b.honest()
	b.list(60, 1, 2)
	b.list(60, 1, 2) // signed again, by a retry
	b.list(90, 3)
	mine := b.operator
	b.operator = must(verifytest.NewKey(8))(t)
	b.list(70, 1) // a stranger's
	b.operator = mine
	b.digest[0] ^= 1
	b.list(70, 1) // of a job that nobody knows
	if r := b.audit(Options{}); len(r.Findings) != 0 || r.Lists != 3 || r.Foreign != 1 || r.Unknown != 1 {
		t.Errorf("%+v", r)
	}
}
