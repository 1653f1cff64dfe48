package policy

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/proofs"
)

// An Award is what one claim earns, and why no more.
type Award struct {
	Worker  proofs.Hash
	Task    proofs.Hash
	Slot    uint32
	Points  proofs.Uint128 // in 1e-9
	Units   proofs.Uint128
	Verdict proofs.Verdict // the claim's kind, with the reason for Units
}

// A Sheet is the outcome of an epoch. The units of its awards and its dust add
// up to Total, which is never above the policy's budget.
type Sheet struct {
	Awards []Award // in the order of worker, task and slot
	Total  proofs.Uint128
	// Dust is what rounding left, for the policy's dust account: less than one
	// unit for each identity and one for each worker.
	Dust proofs.Uint128
}

// Score applies p to all claims of an epoch. The order of the claims makes no
// difference. A worker has at most one claim on a slot of a task, which is what
// the nullifier of a proof identifies.
func Score(p *Policy, claims []Measurement) (*Sheet, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if len(claims) > MaxClaims {
		return nil, fmt.Errorf("score: %d claims, the limit is %d", len(claims), MaxClaims)
	}
	entries, err := p.entries(claims)
	if err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	e := p.epoch(entries)
	sheet := &Sheet{Awards: make([]Award, 0, len(entries))}
	paid := new(big.Int)
	for start := 0; start < len(entries); {
		end := start + 1
		for end < len(entries) && entries[end].identity == entries[start].identity {
			end++
		}
		paid.Add(paid, e.pay(entries[start:end]))
		start = end
	}
	total := e.exact.Quo(e.exact, e.den)
	sheet.Total, sheet.Dust = narrow(total), narrow(new(big.Int).Sub(total, paid))
	for i := range entries {
		sheet.Awards = append(sheet.Awards, entries[i].award)
	}
	slices.SortFunc(sheet.Awards, compareAwards)
	return sheet, nil
}

// compareAwards is the order of worker, task and slot.
func compareAwards(a, b Award) int {
	return cmp.Or(bytes.Compare(a.Worker[:], b.Worker[:]), bytes.Compare(a.Task[:], b.Task[:]), cmp.Compare(a.Slot, b.Slot))
}

// entry is a claim while it is scored.
type entry struct {
	identity proofs.Hash // what caps apply to: the worker, or its owner
	work     *big.Int    // that counts: zero for a claim that cannot earn
	points   *big.Int
	clipped  bool
	fixed    bool // its reason is
	award    Award
}

// count counts the points of a claim that can earn.
func (p *Policy) count(c *Measurement, scales *scales, e *entry) {
	reason := proofs.NoReason
	e.work = wide(c.Work)
	e.points, e.clipped = scales.points(c)
	switch e.fixed = true; {
	case c.Verdict.Kind == proofs.Partial:
		// Nobody audited it. What it keeps is the policy's choice.
		part, all := big.NewInt(int64(p.Unaudited)), big.NewInt(All)
		reason = c.Verdict.Reason
		e.points, e.work = share(e.points, part, all), share(e.work, part, all)
	case c.Verdict.Reason == Outside:
		reason = Outside
		if p.Outside != nil {
			e.points = share(e.points, big.NewInt(int64(*p.Outside)), big.NewInt(All))
		}
	case scales.unimproved(c):
		reason = Unimproved
	case e.points.Sign() == 0:
		reason = NoPoints
	default:
		e.fixed = false
	}
	e.award.Points, e.award.Verdict.Reason = narrow(e.points), reason
}

// entries checks the claims, counts their points and sorts them by identity,
// worker, task and slot.
func (p *Policy) entries(claims []Measurement) ([]entry, error) {
	entries, scales := make([]entry, len(claims)), p.Metrics.scales()
	for i := range claims {
		c := &claims[i]
		if err := c.check(p); err != nil {
			return nil, fmt.Errorf("worker %s, task %s, slot %d: %w", c.Worker, c.Task, c.Slot, err)
		}
		e := entry{
			identity: c.Worker, work: new(big.Int), points: new(big.Int),
			award: Award{Worker: c.Worker, Task: c.Task, Slot: c.Slot, Verdict: c.Verdict},
		}
		if p.Caps.Owner != nil {
			e.identity = c.Owner
		}
		switch {
		case c.Verdict.Kind > proofs.Partial:
		case c.Void:
			e.award.Verdict.Reason = Voided
		case c.Withheld != proofs.NoReason:
			e.award.Verdict.Reason = c.Withheld
		case p.Caps.Owner != nil && c.Owner == proofs.Hash{}:
			e.award.Verdict.Reason = Unlisted
		case p.Beacon != nil && c.Beacon != p.Beacon.Hash:
			e.award.Verdict.Reason = WrongBeacon
		default:
			e.work = wide(c.Work)
			p.count(c, scales, &e)
		}
		entries[i] = e
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.identity[:], b.identity[:]), compareAwards(a.award, b.award))
	})
	type claim struct {
		worker, task proofs.Hash
		slot         uint32
	}
	seen := make(map[claim]bool, len(entries))
	for i := range entries {
		id := claim{entries[i].award.Worker, entries[i].award.Task, entries[i].award.Slot}
		if seen[id] {
			return nil, fmt.Errorf("worker %s, task %s, slot %d: two claims in one epoch, a proof can stand for one", id.worker, id.task, id.slot)
		}
		seen[id] = true
	}
	return entries, nil
}

// epoch is how points become units in one epoch. What an identity is owed
// before rounding is a fraction over den.
type epoch struct {
	perPoint *big.Int // units over den for one nanopoint
	perWork  *big.Int // cap over den for one operation, nil for none
	flat     *big.Int // cap over den for an identity, nil for none
	den      *big.Int
	budgeted bool     // the budget, not the price, decides
	exact    *big.Int // units over den owed so far
}

// epoch fixes the rate: the pot over all points, or the price where all points
// at that price stay within the budget.
func (p *Policy) epoch(entries []entry) *epoch {
	points := new(big.Int)
	for i := range entries {
		points.Add(points, entries[i].points)
	}
	if points.Sign() == 0 {
		points.SetInt64(1) // nobody has any, so that nobody gets a share
	}
	e := &epoch{perPoint: p.Budget.big(), den: points, exact: new(big.Int)}
	if p.Mode == Price {
		units, per := p.Price.Units.big(), new(big.Int).Mul(p.Price.Per.big(), big.NewInt(One))
		at, limit := new(big.Int).Mul(points, units), new(big.Int).Mul(p.Budget.big(), per)
		if e.budgeted = at.Cmp(limit) > 0; !e.budgeted {
			e.perPoint, e.den = units, per
		}
	}
	if limit := p.Caps.Work; limit != nil {
		e.perWork = new(big.Int).Mul(limit.Units.big(), e.den)
		e.perPoint = new(big.Int).Mul(e.perPoint, limit.Per.big())
		e.den = new(big.Int).Mul(e.den, limit.Per.big())
	}
	if limit := p.Caps.Owner; limit != nil {
		e.flat = new(big.Int).Mul(limit.big(), e.den)
	}
	return e
}

// pay fills the awards of one identity's entries and returns the units that its
// workers get. It rounds down for the identity, then for each worker.
func (e *epoch) pay(entries []entry) *big.Int {
	points, work := new(big.Int), new(big.Int)
	for i := range entries {
		points.Add(points, entries[i].points)
		work.Add(work, entries[i].work)
	}
	paid := new(big.Int)
	if points.Sign() == 0 {
		return paid
	}
	owed, capped := new(big.Int).Mul(points, e.perPoint), false
	if e.perWork != nil {
		owed, capped = lower(owed, work.Mul(work, e.perWork), capped)
	}
	if e.flat != nil {
		owed, capped = lower(owed, e.flat, capped)
	}
	e.exact.Add(e.exact, owed)
	units := new(big.Int).Quo(owed, e.den)
	for start := 0; start < len(entries); {
		end, own := start, new(big.Int)
		for end < len(entries) && entries[end].award.Worker == entries[start].award.Worker {
			own.Add(own, entries[end].points)
			end++
		}
		got := share(units, own, points)
		divide(entries[start:end], got, own)
		paid.Add(paid, got)
		start = end
	}
	for i := range entries {
		entries[i].explain(capped, e.budgeted)
	}
	return paid
}

// lower is the lesser of an amount and a cap, and whether any cap was the
// lesser so far.
func lower(amount, limit *big.Int, capped bool) (*big.Int, bool) {
	if limit.Cmp(amount) < 0 {
		return limit, true
	}
	return amount, capped
}

// divide gives a worker's units to its claims in proportion to their points,
// without a remainder: a claim gets what the share of all claims up to it has
// grown by.
func divide(entries []entry, units, points *big.Int) {
	sum, given := new(big.Int), new(big.Int)
	for i := range entries {
		if entries[i].points.Sign() == 0 {
			continue
		}
		sum.Add(sum, entries[i].points)
		upTo := share(units, sum, points)
		entries[i].award.Units = narrow(new(big.Int).Sub(upTo, given))
		given = upTo
	}
}

// explain gives the reason for an entry's units, if it has points.
func (e *entry) explain(capped, budgeted bool) {
	if e.fixed || e.points.Sign() == 0 {
		return
	}
	reason := proofs.NoReason
	switch {
	case capped:
		reason = Capped
	case e.award.Units == proofs.Uint128{}:
		reason = Rounded
	case budgeted:
		reason = Budgeted
	case e.clipped:
		reason = Clipped
	}
	e.award.Verdict.Reason = reason
}
