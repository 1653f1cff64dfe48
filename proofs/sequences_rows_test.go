package proofs_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/testdata/sequences"
)

// Who has the operations of a sequence.
const (
	everybody  = "go sql evm python"
	statements = "go sql python" // contracts take no statements about sets, know no clock but the chain's, and pay from the active root alone
)

// story is what sequences are told about: ann earns 100 and bob 50 in the first
// epoch, with 7 units of dust; ann 10 and cid 70 in the second, or 1,000 for ann
// in the wrong second; bob 5 in the third, and ann 1 in the fourth.
type story struct {
	*ages
	one, two, wrong, three, four *era
	first, second, bad, third    *proofs.Envelope // their roots by set 1
	facts                        []string
}

func sequenceRows(t *testing.T) []sequence {
	s := story{ages: newAges(t)}
	s.one = s.era(nil, 1, "policy", map[string]uint64{"ann": 100, "bob": 50})
	s.two = s.era(s.one, 2, "policy", map[string]uint64{"ann": 10, "cid": 70})
	s.wrong = s.era(s.one, 2, "policy", map[string]uint64{"ann": 1000})
	s.three = s.era(s.two, 3, "policy", map[string]uint64{"bob": 5})
	s.four = s.era(s.three, 4, "policy", map[string]uint64{"ann": 1})
	s.first, s.second, s.bad, s.third = s.one.root(1, nil), s.two.root(1, nil), s.wrong.root(1, nil), s.three.root(1, nil)
	s.facts = []string{
		"audience: " + scenario.ID(scenario.Audience).String(), "pool: " + scenario.ID("pool").String(), "policy: " + scenario.ID("policy").String(),
		"signers: " + hex.EncodeToString(encode(t, s.pool.Set)), fmt.Sprintf("now: %d", scenario.Now),
	}
	return slices.Concat(s.payments(), s.refusals(), s.leaps(), s.revocations(), s.corrections(), s.rotations(), s.votes(), s.late(), s.paths())
}

func (s story) of(name, readers, comment string, steps ...sequences.Step) sequence {
	return sequence{name: name, readers: readers, comment: comment, facts: s.facts, steps: steps}
}

func (s story) with(fact string, q sequence) sequence {
	q.facts = append(slices.Clone(s.facts), fact)
	return q
}

func (s story) payments() []sequence {
	return []sequence{
		s.of("pay_by_claims", everybody, "each leaf pays once", accept(s.first, success), due(paid(157)),
			claim(s.one.bundle("ann", s.first), paid(100)), claim(s.one.bundle("ann", s.first), paid(0)), claim(s.one.bundle("bob", s.first), paid(50)),
			balance("ann", paid(100)), balance("cid", paid(0)), due(paid(7))),
		s.of("pay_by_file", everybody, "everybody at once, and nobody twice", accept(s.first, success), pay(s.one, paid(157)), pay(s.one, paid(0)),
			due(paid(0)), balance("nobody", paid(7))),
		s.of("pay_claim_then_file", everybody, "the file pays what is left", accept(s.first, success), claim(s.one.bundle("ann", s.first), paid(100)), pay(s.one, paid(57))),
		s.of("pay_file_then_claim", everybody, "nothing is left to claim", accept(s.first, success), pay(s.one, paid(157)), claim(s.one.bundle("bob", s.first), paid(0))),
		s.of("pay_two_epochs", everybody, "the growth is paid", accept(s.first, success), pay(s.one, paid(157)), accept(s.second, success), pay(s.two, paid(80)),
			balance("ann", paid(110)), due(paid(0))),
		s.of("pay_after_two_epochs", everybody, "what was skipped is not lost", accept(s.first, success), accept(s.second, success), pay(s.two, paid(237))),
		s.of("pay_four_epochs", everybody, "claims in between", accept(s.first, success), claim(s.one.bundle("ann", s.first), paid(100)), accept(s.second, success),
			claim(s.two.bundle("cid", s.second), paid(70)), accept(s.third, success), claim(s.three.bundle("ann", s.third), paid(10)),
			accept(s.four.root(1, nil), success), pay(s.four, paid(63)), due(paid(0))),
		s.of("pay_before_accept", everybody, "a root that the ledger has not accepted pays nothing", claim(s.one.bundle("ann", s.first), class.NotAccepted),
			pay(s.one, class.NotAccepted), accept(s.first, success), claim(s.one.bundle("ann", s.first), paid(100))),
		s.of("pay_next_before_accept", everybody, "nor does the next one", accept(s.first, success), claim(s.two.bundle("ann", s.second), class.NotAccepted),
			pay(s.two, class.WrongLeaves), balance("ann", paid(0))),
		s.of("pay_older_file", statements, "the file is the last root's", accept(s.first, success), accept(s.second, success), pay(s.one, class.WrongLeaves), pay(s.two, paid(237))),
		s.of("pay_on_older_root", statements, "a claim may name any accepted root", accept(s.first, success), accept(s.second, success),
			claim(s.one.bundle("ann", s.first), paid(100)), claim(s.two.bundle("ann", s.second), paid(10))),
		s.of("pay_on_newer_root_first", statements, "an older root brings nothing then", accept(s.first, success), accept(s.second, success),
			claim(s.two.bundle("ann", s.second), paid(110)), claim(s.one.bundle("ann", s.first), paid(0))),
		s.of("pay_above_the_total", everybody, "never more in all than was signed, whatever the leaves add up to",
			accept(s.short(), success), claim(s.one.bundle("ann", s.short()), paid(100)), claim(s.one.bundle("bob", s.short()), class.AboveTotal), balance("bob", paid(0)), due(paid(20))),
		s.of("pay_above_the_total_by_file", statements, "all or nothing", accept(s.short(), success), pay(s.one, class.AboveTotal), due(paid(120)), balance("ann", paid(0))),
		s.of("pay_above_then_corrected", everybody, "the next root pays the rest", accept(s.short(), success), claim(s.one.bundle("ann", s.short()), paid(100)),
			claim(s.one.bundle("bob", s.short()), class.AboveTotal), accept(s.second, success), claim(s.two.bundle("bob", s.second), paid(50))),
	}
}

// short is a first root that states less than its leaves.
func (s story) short() *proofs.Envelope {
	return s.one.root(1, func(r *proofs.EpochRoot) { r.CumulativeUnits = proofs.Uint(120) })
}

func (s story) refusals() []sequence {
	refusedThenGood := func(name, readers, comment, class string, bad *proofs.Envelope) sequence {
		return s.of("accept_"+name, readers, comment, accept(bad, class), due(paid(0)), accept(s.first, success), pay(s.one, paid(157)))
	}
	bent := func(f func(*proofs.EpochRoot)) *proofs.Envelope { return s.one.root(1, f) }
	return []sequence{
		refusedThenGood("below_quorum", everybody, "two of three", class.BelowQuorum, s.sign(s.one.Root(1, scenario.Now+86_400, scenario.ID("checkpoint")), 0, 3)),
		refusedThenGood("wrong_policy", everybody, "another policy", class.WrongPolicy, bent(func(r *proofs.EpochRoot) { r.PolicyHash = scenario.ID("old policy") })),
		refusedThenGood("wrong_pool", everybody, "another pool", class.WrongPool, bent(func(r *proofs.EpochRoot) { r.PoolID = scenario.ID("another pool") })),
		refusedThenGood("wrong_audience", everybody, "another ledger", class.WrongAudience, bent(func(r *proofs.EpochRoot) { r.Audience = scenario.ID("urn:db:test") })),
		refusedThenGood("wrong_set", everybody, "a set that is not in force", class.WrongSignerSet, bent(func(r *proofs.EpochRoot) { r.SignerSet = 2 })),
		s.of("accept_twice", everybody, "a root again, and an older one", accept(s.first, success), accept(s.first, class.ReplayedEpoch), accept(s.second, success),
			accept(s.first, class.ReplayedEpoch), accept(s.second, class.ReplayedEpoch), pay(s.two, paid(237))),
		s.of("accept_two_of_one_epoch", everybody, "the second root of an epoch is refused while the first one is good", accept(s.first, success),
			accept(s.bad, success), accept(s.second, class.ReplayedEpoch), due(paid(1157))),
		s.of("accept_decreasing", everybody, "the total never falls", accept(s.second, success),
			accept(s.three.root(1, func(r *proofs.EpochRoot) { r.CumulativeUnits = proofs.Uint(236) }), class.Decreasing), accept(s.third, success)),
		s.of("accept_nothing_earned", everybody, "an epoch that paid nobody", accept(s.first, success),
			accept(s.one.root(1, func(r *proofs.EpochRoot) { r.Epoch = 2 }), success), due(paid(157))),
		s.of("accept_expired", statements, "the last second, and the one after it", clock(scenario.Now+86_401), accept(s.first, class.Expired), clock(scenario.Now+86_400), accept(s.first, success)),
	}
}

func (s story) leaps() []sequence {
	at := func(number uint64) *proofs.Envelope {
		return s.one.root(1, func(r *proofs.EpochRoot) { r.Epoch = number })
	}
	const leap = bundle.DefaultEpochGrowth
	return []sequence{
		s.of("leap_to_the_end", everybody, "epoch 2^64-1 leaves no next one", accept(at(1<<64-1), class.EpochTooFar), accept(s.first, success), pay(s.one, paid(157))),
		s.of("leap_to_the_end_of_a_database", everybody, "nor does 2^63-1", accept(at(1<<63-1), class.EpochTooFar), accept(at(1<<63), class.EpochTooFar), accept(s.first, success)),
		s.of("leap_as_far_as_it_goes", everybody, "65,536 epochs further and no more", accept(s.first, success), accept(at(leap+2), class.EpochTooFar), accept(at(leap+1), success),
			accept(at(2*leap+1), success), accept(at(1<<64-1), class.EpochTooFar)),
		s.of("leap_from_nothing", everybody, "the first root may leap as far", accept(at(leap+1), class.EpochTooFar), accept(at(leap), success)),
		s.with("growth: 7", s.of("leap_of_the_ledger", everybody, "a ledger pins its own bound", accept(s.first, success), accept(at(9), class.EpochTooFar), accept(at(8), success), accept(at(15), success))),
		s.with("growth: 7", s.of("leap_from_the_last_good", everybody, "a root that was taken back raised nothing", accept(s.first, success), accept(at(8), success),
			revoke(s.takeBack(at(8), 1, nil), success), accept(at(9), class.EpochTooFar), accept(at(7), success))),
		s.with("growth: 1", s.of("leap_of_one", everybody, "epochs follow each other", accept(s.second, class.EpochTooFar), accept(s.first, success), accept(s.second, success))),
	}
}

func (s story) revocations() []sequence {
	back := func(env *proofs.Envelope) sequences.Step { return revoke(s.takeBack(env, 1, nil), success) }
	contribution := s.one.bundle("ann", s.first).Contribution
	fourth := s.four.root(1, nil)
	ofContribution := s.takeBack(contribution, 1, func(r *proofs.Revocation) { r.TargetKind = 1 })
	return []sequence{
		s.of("revoke_before", everybody, "a root that was taken back is not accepted", back(s.first), accept(s.first, class.Revoked), due(paid(0)), accept(s.second, success)),
		s.of("revoke_only", everybody, "nothing pays, and the root never comes back", accept(s.first, success), back(s.first), due(paid(0)), claim(s.one.bundle("ann", s.first), class.Revoked),
			pay(s.one, class.NotAccepted), accept(s.first, class.Revoked)),
		s.of("revoke_falls_back", everybody, "the last good root pays again", accept(s.first, success), accept(s.bad, success), due(paid(1157)), back(s.bad), due(paid(157)),
			claim(s.wrong.bundle("ann", s.bad), class.Revoked), pay(s.wrong, class.WrongLeaves), pay(s.one, paid(157))),
		s.of("revoke_older", everybody, "the newer one is good on its own", accept(s.first, success), accept(s.second, success), back(s.first), claim(s.one.bundle("ann", s.first), class.Revoked),
			pay(s.two, paid(237))),
		s.of("revoke_both", everybody, "the newer one first", accept(s.first, success), accept(s.bad, success), back(s.bad), back(s.first), due(paid(0)), pay(s.one, class.NotAccepted),
			accept(s.one.root(1, func(r *proofs.EpochRoot) { r.NotAfter++; r.CumulativeUnits = proofs.Uint(158) }), success)),
		s.of("revoke_both_older_first", everybody, "then there is none to fall back to", accept(s.first, success), accept(s.bad, success), back(s.first), back(s.bad), due(paid(0)),
			pay(s.one, class.NotAccepted), accept(s.second, success), pay(s.two, paid(237))),
		s.of("revoke_three", statements, "two roots fall, the third from the top pays", accept(s.first, success), accept(s.second, success), accept(s.third, success), back(s.third), back(s.second),
			pay(s.one, paid(157)), accept(s.third, class.Revoked), accept(s.two.root(1, func(r *proofs.EpochRoot) { r.NotAfter++ }), success), pay(s.two, paid(80))),
		s.of("revoke_three_older_first", everybody, "the one in the middle fell before", accept(s.first, success), accept(s.second, success), accept(s.third, success),
			back(s.second), due(paid(242)), back(s.third), due(paid(157)), accept(s.first, class.ReplayedEpoch), pay(s.one, paid(157))),
		s.of("revoke_middle", everybody, "the last one pays on", accept(s.first, success), accept(s.second, success), accept(s.third, success), back(s.second), pay(s.three, paid(242))),
		s.of("revoke_four", everybody, "three fall one after the other", accept(s.first, success), accept(s.second, success), accept(s.third, success), accept(fourth, success),
			back(fourth), due(paid(242)), back(s.third), due(paid(237)), claim(s.two.bundle("cid", s.second), paid(70)), back(s.second), due(paid(87)), pay(s.one, class.AboveTotal)),
		s.of("revoke_four_out_of_order", everybody, "two in the middle, then the last one", accept(s.first, success), accept(s.second, success), accept(s.third, success), accept(fourth, success),
			back(s.third), back(s.second), due(paid(243)), back(fourth), pay(s.one, paid(157))),
		s.of("revoke_down_to_none", everybody, "all of them, and the pool begins anew", accept(s.first, success), accept(s.second, success), accept(s.third, success), back(s.third),
			back(s.second), back(s.first), due(paid(0)), accept(s.first, class.Revoked),
			accept(s.one.root(1, func(r *proofs.EpochRoot) { r.CumulativeUnits = proofs.Uint(158) }), success), pay(s.one, paid(157))),
		s.of("revoke_again_after_a_correction", everybody, "the correction falls too, onto the root below both", accept(s.first, success), accept(s.bad, success), back(s.bad),
			accept(s.second, success), accept(s.third, success), back(s.third), due(paid(237)), back(s.second), due(paid(157)), pay(s.one, paid(157))),
		s.of("revoke_twice", everybody, "the second time changes nothing", accept(s.first, success), accept(s.bad, success), back(s.bad), back(s.bad), pay(s.one, paid(157))),
		s.of("revoke_below_quorum", everybody, "two take nothing back", accept(s.first, success), revoke(s.takeBack(s.first, 1, nil, 1, 3), class.BelowQuorum), pay(s.one, paid(157))),
		s.of("revoke_wrong_set", everybody, "nor does a set that is not in force", accept(s.first, success), revoke(s.takeBack(s.first, 2, nil, 0, 1, 3), class.WrongSignerSet), pay(s.one, paid(157))),
		s.of("revoke_wrong_pool", everybody, "nor another pool", accept(s.first, success),
			revoke(s.takeBack(s.first, 1, func(r *proofs.Revocation) { r.PoolID[0] ^= 1 }), class.WrongPool), pay(s.one, paid(157))),
		s.of("revoke_wrong_audience", everybody, "nor to another ledger", accept(s.first, success),
			revoke(s.takeBack(s.first, 1, func(r *proofs.Revocation) { r.Audience = scenario.ID("urn:db:test") }), class.WrongAudience), pay(s.one, paid(157))),
		s.of("revoke_from_the_future", statements, "301 seconds ahead of the ledger's clock", accept(s.first, success),
			revoke(s.takeBack(s.first, 1, func(r *proofs.Revocation) { r.IssuedAt += 301 }), class.FromTheFuture), pay(s.one, paid(157))),
		s.of("revoke_contribution", statements, "its leaf pays nothing, claimed or not", accept(s.first, success), revoke(ofContribution, success),
			claim(s.one.bundle("ann", s.first), class.Revoked), pay(s.one, paid(57)), balance("ann", paid(0)), due(paid(100))),
		s.of("revoke_contribution_then_earn", statements, "the next total holds it no more or again: the quorum decides", accept(s.first, success), revoke(ofContribution, success),
			accept(s.second, success), claim(s.two.bundle("ann", s.second), paid(110)), pay(s.two, paid(127))),
	}
}

func (s story) corrections() []sequence {
	back := revoke(s.takeBack(s.bad, 1, nil), success)
	enough := s.wrong.root(1, func(r *proofs.EpochRoot) { r.CumulativeUnits = proofs.Uint(1200) })
	return []sequence{
		s.of("correct_same_epoch", everybody, "the corrected root has the epoch of the one that was taken back", accept(s.first, success), accept(s.bad, success), back,
			accept(s.second, success), pay(s.two, paid(237)), accept(s.bad, class.Revoked)),
		s.of("correct_next_epoch", everybody, "or the next", accept(s.first, success), accept(s.bad, success), back, accept(s.third, success), pay(s.three, paid(242))),
		s.of("correct_older_epoch", everybody, "the root fallen back to is not accepted again", accept(s.first, success), accept(s.bad, success), back, accept(s.first, class.ReplayedEpoch)),
		s.of("correct_after_payment", everybody, "the total never falls below what was paid", accept(s.first, success), pay(s.one, paid(157)), accept(s.bad, success),
			claim(s.wrong.bundle("ann", s.bad), paid(1000)), back, due(paid(0)), pay(s.one, paid(0)), accept(s.second, class.Decreasing), accept(enough, success), due(paid(43))),
		s.of("correct_overpaid", everybody, "who was overpaid leaves the others to wait for a root that has enough", accept(s.first, success), accept(s.bad, success),
			claim(s.wrong.bundle("ann", s.bad), paid(1100)), back, claim(s.one.bundle("bob", s.first), class.AboveTotal), balance("bob", paid(0)), accept(enough, success),
			claim(s.wrong.bundle("bob", enough), paid(50)), balance("ann", paid(1100))),
		s.of("correct_unpaid", everybody, "what was not paid on the wrong root is not lost on the right one", accept(s.first, success), claim(s.one.bundle("bob", s.first), paid(50)),
			accept(s.bad, success), back, accept(s.second, success), claim(s.two.bundle("ann", s.second), paid(110)), claim(s.two.bundle("bob", s.second), paid(0))),
		s.of("correct_twice", everybody, "a correction may be wrong too", accept(s.first, success), accept(s.bad, success), back, accept(s.second, success),
			revoke(s.takeBack(s.second, 1, nil), success), accept(enough, success), due(paid(1200))),
	}
}

func (s story) rotations() []sequence {
	to2, to3 := s.sign(s.sets[1], 0, 1, 3, 5), s.sign(s.sets[2], 1, 3, 5)
	return []sequence{
		s.of("rotate_ends_the_old_set", everybody, "its roots are refused from then on", rotate(to2, success), accept(s.first, class.WrongSignerSet), accept(s.one.root(2, nil), success), pay(s.one, paid(157))),
		s.of("rotate_keeps_what_was_accepted", everybody, "an accepted root pays on", accept(s.first, success), rotate(to2, success), pay(s.one, paid(157))),
		s.of("rotate_twice", everybody, "set 3 follows 2", accept(s.first, success), rotate(to2, success), rotate(to3, success), accept(s.two.root(2, nil), class.WrongSignerSet),
			accept(s.two.root(3, nil), success), pay(s.two, paid(237))),
		s.of("rotate_then_old_revocation", everybody, "the old set takes nothing back", accept(s.first, success), rotate(to2, success), revoke(s.takeBack(s.first, 1, nil), class.WrongSignerSet), pay(s.one, paid(157))),
		s.of("rotate_then_revoke", everybody, "the new set takes back what the old one signed", accept(s.first, success), accept(s.bad, success), rotate(to2, success),
			revoke(s.takeBack(s.bad, 2, nil), success), due(paid(157)), accept(s.two.root(2, nil), success), pay(s.two, paid(237))),
		s.of("rotate_without_the_new_key", statements, "whoever is added signs", rotate(s.sign(s.sets[1], 0, 1, 3), class.BadRotation), accept(s.first, success)),
		s.of("rotate_below_quorum", statements, "two of the old set and the new key", rotate(s.sign(s.sets[1], 0, 1, 5), class.BelowQuorum), accept(s.first, success)),
		s.of("rotate_again", statements, "a rotation counts once", rotate(to2, success), rotate(to2, class.BadRotation), rotate(to3, success)),
		s.of("rotate_past_one", statements, "set 3 does not follow 1", rotate(s.sign(s.sets[2], 0, 1, 3, 5), class.BadRotation), accept(s.first, success)),
	}
}

func (s story) votes() []sequence {
	voted := s.era(s.one, 2, "voted", map[string]uint64{"ann": 10, "cid": 70})
	return []sequence{
		s.of("vote_ends_the_old_policy", everybody, "its roots are refused from then on", vote("voted"), accept(s.first, class.WrongPolicy), vote("policy"), accept(s.first, success)),
		s.of("vote_keeps_what_was_accepted", everybody, "an accepted root pays on", accept(s.first, success), vote("voted"), due(paid(157)), pay(s.one, paid(157))),
		s.of("vote_then_next_epoch", everybody, "the next root is under the new policy", accept(s.first, success), vote("voted"), accept(s.second, class.WrongPolicy),
			accept(voted.root(1, nil), success), pay(voted, paid(237))),
		s.of("vote_then_revoke", everybody, "the root fallen back to is of the old policy, and pays", accept(s.first, success), vote("voted"), accept(voted.root(1, nil), success),
			revoke(s.takeBack(voted.root(1, nil), 1, nil), success), pay(s.one, paid(157))),
	}
}

func (s story) late() []sequence {
	to2, to3 := s.sign(s.sets[1], 0, 1, 3, 5), s.sign(s.sets[2], 1, 3, 5)
	ann, bob := s.one.bundle("ann", s.first), s.one.bundle("bob", s.first)
	return []sequence{
		s.of("late_after_vote", everybody, "a claim and the file agree", accept(s.first, success), vote("voted"), claim(ann, paid(100)), pay(s.one, paid(57))),
		s.of("late_after_rotation", everybody, "a claim and the file agree", accept(s.first, success), rotate(to2, success), claim(ann, paid(100)), pay(s.one, paid(57))),
		s.of("late_after_two_rotations", everybody, "by the set of its root", accept(s.first, success), rotate(to2, success), rotate(to3, success), claim(ann, paid(100)), claim(bob, paid(50))),
		s.of("late_after_both", everybody, "vote and rotation", accept(s.first, success), vote("voted"), rotate(to2, success), claim(bob, paid(50)), claim(ann, paid(100)), due(paid(7))),
		s.of("late_after_the_next_root", statements, "by another set", accept(s.first, success), rotate(to2, success), accept(s.two.root(2, nil), success), claim(ann, paid(100)),
			claim(s.two.bundle("ann", s.two.root(2, nil)), paid(10))),
		s.of("late_by_a_year", statements, "the root was accepted in time", accept(s.first, success), clock(scenario.Now+31_536_000), claim(ann, paid(100)), pay(s.one, paid(57))),
		s.of("late_root_by_a_year", statements, "a root that was not is of no use to a claim", clock(scenario.Now+31_536_000), claim(ann, class.Expired), accept(s.first, class.Expired)),
		s.of("late_of_a_key_that_left", everybody, "the quorum's leaf outlives its verifier", rotate(to2, success), accept(s.one.root(2, nil), success),
			claim(s.one.bundle("ann", s.one.root(2, nil)), paid(100))),
		s.of("late_on_a_revoked_root", everybody, "however late", accept(s.first, success), rotate(to2, success), revoke(s.takeBack(s.first, 2, nil), success),
			claim(ann, class.WrongSignerSet), pay(s.one, class.NotAccepted)),
		s.of("late_of_an_unaccepted_root", statements, "the old set's root comes too late", rotate(to2, success), claim(ann, class.WrongSignerSet), vote("voted"), accept(s.first, class.WrongSignerSet)),
	}
}

func (s story) paths() []sequence {
	bent := func(f func(b *bundle.Bundle)) *bundle.Bundle {
		b := s.one.bundle("ann", s.first)
		f(b)
		return b
	}
	more := s.contributionOf("ann", 9000)
	steps := func(class string, b *bundle.Bundle) []sequences.Step {
		return []sequences.Step{accept(s.first, success), claim(b, class), balance("ann", paid(0)), claim(s.one.bundle("ann", s.first), paid(100))}
	}
	tied, key := s.tiedByTheLog()
	return []sequence{
		s.with(key, s.of("path_none_but_the_log", statements, "one key, its contribution in the log under the root's checkpoint", accept(tied.EpochRoot, success),
			claim(tied, class.BadPath), balance("thief", paid(0)), pay(s.one, paid(157)))),
		s.of("path_none", statements, "a root that says nothing about the contribution", steps(class.Uncorroborated, bent(func(b *bundle.Bundle) { b.Merkle = nil }))...),
		s.of("path_no_root", statements, "one key's word", steps(class.BadPath, bent(func(b *bundle.Bundle) { b.Merkle, b.EpochRoot = nil, nil }))...),
		s.of("path_of_another", everybody, "bob's path", steps(class.BadPath, bent(func(b *bundle.Bundle) { b.Merkle = s.one.bundle("bob", s.first).Merkle }))...),
		s.of("path_truncated", everybody, "the last node missing", steps(class.BadPath, bent(func(b *bundle.Bundle) { b.Merkle = b.Merkle[:len(b.Merkle)-1] }))...),
		s.of("path_empty", everybody, "the root for a leaf", steps(class.BadPath, bent(func(b *bundle.Bundle) { b.Merkle = []proofs.Hash{} }))...),
		s.of("path_of_more", everybody, "a key of the set writes ann more than the quorum", steps(class.BadPath, bent(func(b *bundle.Bundle) { b.Contribution = more }))...),
	}
}

// contributionOf is by one key, and in no tree.
func (s story) contributionOf(worker string, units uint64) *proofs.Envelope {
	c, err := proofs.Verify[proofs.Contribution](s.one.bundle("ann", s.first).Contribution, 1, s.pool.Set.Keys...)
	if err != nil {
		s.t.Fatal(err)
	}
	c.WorkerID, c.Account, c.Units, c.CumulativeUnits = scenario.ID(worker), accountOf(worker), proofs.Uint(units), proofs.Uint(units)
	return s.sign(c, 2)
}

// tiedByTheLog is a bundle of one key's contribution, which is in the log when
// the quorum names its checkpoint, and the header line with the log's key.
func (s story) tiedByTheLog() (*bundle.Bundle, string) {
	log := scenario.NewLog("log")
	env := s.contributionOf("thief", 9000)
	index, err := log.Append(env.Bytes())
	if err != nil {
		s.t.Fatal(err)
	}
	checkpoint, err := log.HeadHash()
	if err != nil {
		s.t.Fatal(err)
	}
	inclusion, err := log.Inclusion(index)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := bundle.New(s.pool.Set, env)
	if err != nil {
		s.t.Fatal(err)
	}
	b.EpochRoot = s.one.root(1, func(r *proofs.EpochRoot) { r.CheckpointHash = checkpoint })
	b.Log = &bundle.Log{Contribution: inclusion}
	return b, "log: " + log.VKey()
}
