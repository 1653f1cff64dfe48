package proofs_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// The payload types, written out: a vector does not ask the code.
const (
	contributionType = "application/vnd.verifyd.contribution.v1+abi"
	epochRootType    = "application/vnd.verifyd.epoch-root.v1+abi"
	revocationType   = "application/vnd.verifyd.revocation.v1+abi"
	signerSetType    = "application/vnd.verifyd.signer-set.v1+abi"
)

func encode(t *testing.T, s proofs.Statement) []byte {
	t.Helper()
	body, err := proofs.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// change returns body with one byte of one word set.
func change(body []byte, word, at int, value byte) []byte {
	b := bytes.Clone(body)
	b[word*32+at] = value
	return b
}

// blank returns body with one word zero.
func blank(body []byte, word int) []byte {
	b := bytes.Clone(body)
	clear(b[word*32:][:32])
	return b
}

// statement rows are of one payload type.
type statement struct{ payloadType string }

func (s statement) good(name, comment string, body []byte) row {
	return row{name: name, kind: "statement", comment: comment, expect: success, facts: []string{"type: " + s.payloadType}, body: body}
}

func (s statement) bad(name, what, comment, class, field string, body []byte) row {
	r := s.good(name, comment, body)
	r.class, r.expect = what, refused(class, field)
	return r
}

// dirty is a good body with the lowest byte of the padding of a word set, the
// one a reader that takes too wide an integer would see.
func (s statement) dirty(prefix, field string, body []byte, word, width int) row {
	return s.bad(fmt.Sprintf("%s_%s_dirty", prefix, field), "dirty padding", fmt.Sprintf("a bit above %d", 8*width),
		class.DirtyPadding, field, change(body, word, 31-width, 1))
}

func statementRows(t *testing.T) []row {
	return slices.Concat(contributionRows(t), epochRootRows(t), revocationRows(t), signerSetRows(t), typeRows(t))
}

func contributionRows(t *testing.T) []row {
	s := statement{contributionType}
	good := encode(t, proofs.Sample())
	with := func(f func(*proofs.Contribution)) []byte {
		c := proofs.Sample()
		f(&c)
		return encode(t, c)
	}
	verdict := func(kind proofs.Kind, reason proofs.Reason) []byte {
		return with(func(c *proofs.Contribution) {
			c.Units, c.Verdict = proofs.Uint128{}, proofs.Verdict{Kind: kind, Reason: reason}
		})
	}
	withEpoch := sha256.Sum256(slices.Concat([]byte("verifyd/nullifier/v1"), good[32:64], good[4*32:5*32], good[2*32+24:3*32], good[3*32:4*32]))
	most := proofs.Uint128{Hi: math.MaxUint64, Lo: math.MaxUint64}
	return []row{
		s.good("good", "every field set, shapley negative", good),
		s.good("good_accepted", "shapley positive, nothing failed", with(func(c *proofs.Contribution) {
			c.Shapley, c.Verdict, c.StepsFailed = proofs.Int(1), proofs.Verdict{Kind: proofs.Accepted}, 0
		})),
		s.good("good_rejected", "a rejection with a reason and no units", verdict(proofs.Rejected, proofs.Mismatch)),
		s.good("good_inconclusive", "a reason of the policy's own", verdict(proofs.Inconclusive, 0xffff)),
		s.good("good_largest", "every integer at its greatest", with(func(c *proofs.Contribution) {
			c.Epoch, c.IssuedAt, c.Units, c.CumulativeUnits, c.StdErr = math.MaxUint64, math.MaxUint64, most, most, most
			c.StepsClaimed, c.StepsReplayed, c.StepsFailed = math.MaxUint64, math.MaxUint64, math.MaxUint64
			c.Shapley = proofs.Int128{Hi: math.MaxInt64, Lo: math.MaxUint64}
		})),
		s.good("good_least_shapley", "-2^127", with(func(c *proofs.Contribution) { c.Shapley = proofs.Int128{Hi: math.MinInt64} })),
		s.good("good_zero_identifiers", "only the audience must not be zero", encode(t, proofs.Contribution{
			Audience: proofs.Hash{31: 1}, Verdict: proofs.Verdict{Kind: proofs.Accepted},
		})),
		s.good("good_first_slot", "slot 0", with(func(c *proofs.Contribution) { c.Slot = 0 })),
		s.good("good_last_slot", "slot 2^32-1", with(func(c *proofs.Contribution) { c.Slot = math.MaxUint32 })),
		s.good("good_fixed_beacon", "zero: whoever made the value knew the sample", blank(good, 19)),
		s.good("good_another_epoch", "the epoch changed, the nullifier is the same", change(good, 2, 31, 8)),
		s.bad("audience_zero", "wrong audience", "no ledger named", class.OutOfRange, "audience", blank(good, 0)),
		s.bad("epoch_dirty", "dirty padding", "a bit above 64", class.DirtyPadding, "epoch", change(good, 2, 23, 1)),
		s.bad("units_dirty", "dirty padding", "a bit above 128", class.DirtyPadding, "units", change(good, 7, 15, 1)),
		s.dirty("contribution", "slot", good, 5, 4),
		s.bad("slot_highest_dirty", "dirty padding", "the word's highest bit", class.DirtyPadding, "slot", change(good, 5, 0, 0x80)),
		s.bad("slot_extended", "dirty padding", "padded as if negative", class.DirtyPadding, "slot",
			slices.Concat(good[:5*32], bytes.Repeat([]byte{0xff}, 28), good[5*32+28:])),
		s.dirty("contribution", "cumulativeUnits", good, 8, 16),
		s.dirty("contribution", "stdErr", good, 10, 16),
		s.dirty("contribution", "stepsClaimed", good, 12, 8),
		s.dirty("contribution", "stepsReplayed", good, 13, 8),
		s.dirty("contribution", "stepsFailed", good, 14, 8),
		s.bad("units_over_cumulative", "units over total", "more earned than in total", class.OutOfRange, "cumulativeUnits", change(good, 8, 16, 0)),
		s.bad("shapley_half_extended", "dirty padding", "negative with one byte of padding zero", class.DirtyPadding, "shapley", change(good, 9, 7, 0)),
		s.bad("shapley_not_extended", "dirty padding", "sign bit without its extension", class.DirtyPadding, "shapley", change(good, 9, 16, 0x7f)),
		s.bad("shapley_zero_extended", "dirty padding", "negative, padded as if unsigned", class.DirtyPadding, "shapley",
			slices.Concat(good[:9*32], make([]byte, 16), good[9*32+16:])),
		s.bad("verdict_dirty", "dirty padding", "a bit above 32", class.DirtyPadding, "verdict", change(good, 11, 27, 1)),
		s.bad("verdict_kind_zero", "unknown kind", "no decision", class.OutOfRange, "verdict", change(good, 11, 29, 0)),
		s.bad("verdict_kind_unknown", "unknown kind", "kind 5", class.OutOfRange, "verdict", change(good, 11, 29, 5)),
		s.bad("verdict_kind_high", "unknown kind", "kind 256 and 2", class.OutOfRange, "verdict", change(good, 11, 28, 1)),
		s.bad("rejected_with_units", "units for nothing", "a rejection that earns", class.OutOfRange, "units", change(good, 11, 29, 3)),
		s.bad("inconclusive_with_units", "units for nothing", "an open question that earns", class.OutOfRange, "units", change(good, 11, 29, 4)),
		s.bad("accepted_with_failures", "contradiction", "accepted though two steps failed", class.OutOfRange, "stepsFailed", change(good, 11, 29, 1)),
		s.bad("replayed_over_claimed", "contradiction", "more replayed than claimed", class.OutOfRange, "stepsReplayed", change(good, 13, 30, 0xff)),
		s.bad("failed_over_replayed", "contradiction", "more failed than replayed", class.OutOfRange, "stepsFailed", change(good, 14, 31, 41)),
		s.bad("nullifier_chosen", "chosen nullifier", "not derived from pool, worker, task and slot", class.OutOfRange, "nullifier", change(good, 20, 0, good[20*32]^1)),
		s.bad("nullifier_of_another_slot", "chosen nullifier", "the slot changed, the nullifier not", class.OutOfRange, "nullifier", change(good, 5, 31, 4)),
		s.bad("nullifier_of_another_task", "chosen nullifier", "the task changed, the nullifier not", class.OutOfRange, "nullifier", change(good, 3, 31, good[3*32+31]^1)),
		s.bad("nullifier_with_epoch", "chosen nullifier", "derived from pool, worker, epoch and task: work has one, whatever the epoch", class.OutOfRange,
			"nullifier", slices.Concat(good[:20*32], withEpoch[:], good[21*32:])),
		s.bad("issued_at_dirty", "dirty padding", "a bit above 64", class.DirtyPadding, "issuedAt", change(good, 21, 0, 0x80)),
		s.bad("short", "bad length", "one word missing", class.BadLength, "body", good[:672]),
		s.bad("without_slot", "bad length", "the other words, as a reader without slots expects", class.BadLength, "body",
			slices.Concat(good[:5*32], good[6*32:])),
		s.bad("without_beacon", "bad length", "the other words, as a reader that asks for no beacon expects", class.BadLength, "body",
			slices.Concat(good[:19*32], good[20*32:])),
		s.bad("long", "bad length", "one word more", class.BadLength, "body", append(bytes.Clone(good), make([]byte, 32)...)),
		s.bad("empty", "bad length", "nothing", class.BadLength, "body", nil),
		s.bad("contribution_byte_short", "bad length", "the last byte missing", class.BadLength, "body", good[:703]),
	}
}

func epochRootRows(t *testing.T) []row {
	s := statement{epochRootType}
	good := encode(t, proofs.SampleRoot())
	return []row{
		s.good("epoch_root_good", "every field set", good),
		s.good("epoch_root_least", "what may be zero is", encode(t, proofs.EpochRoot{
			Audience: proofs.Hash{1}, Epoch: 1, Root: proofs.Hash{1}, SignerSet: 1,
		})),
		s.bad("epoch_root_audience_zero", "wrong audience", "no ledger named", class.OutOfRange, "audience", blank(good, 0)),
		s.bad("epoch_root_epoch_zero", "out of range", "epochs start at 1", class.OutOfRange, "epoch", blank(good, 2)),
		s.bad("epoch_root_root_zero", "out of range", "no tree has that root", class.OutOfRange, "root", blank(good, 3)),
		s.bad("epoch_root_signer_set_zero", "wrong signer set", "sets start at 1", class.OutOfRange, "signerSet", blank(good, 6)),
		s.dirty("epoch_root", "epoch", good, 2, 8),
		s.dirty("epoch_root", "cumulativeUnits", good, 5, 16),
		s.dirty("epoch_root", "signerSet", good, 6, 8),
		s.dirty("epoch_root", "notAfter", good, 7, 8),
		s.bad("epoch_root_short", "bad length", "one word missing", class.BadLength, "body", good[:288]),
		s.bad("epoch_root_long", "bad length", "one word more", class.BadLength, "body", append(bytes.Clone(good), make([]byte, 32)...)),
		s.bad("epoch_root_is_contribution", "bad length", "a contribution's body under this type", class.BadLength, "body", encode(t, proofs.Sample())),
	}
}

func revocationRows(t *testing.T) []row {
	s := statement{revocationType}
	good := encode(t, proofs.SampleRevocation())
	return []row{
		s.good("revocation_good", "of an epoch root", good),
		s.good("revocation_of_contribution", "kind 1", change(good, 4, 31, 1)),
		s.bad("revocation_audience_zero", "wrong audience", "no ledger named", class.OutOfRange, "audience", blank(good, 0)),
		s.bad("revocation_target_zero", "out of range", "takes back nothing", class.OutOfRange, "target", blank(good, 3)),
		s.bad("revocation_kind_zero", "unknown kind", "no kind", class.OutOfRange, "targetKind", blank(good, 4)),
		s.bad("revocation_kind_three", "unknown kind", "signer sets are rotated, not revoked", class.OutOfRange, "targetKind", change(good, 4, 31, 3)),
		s.bad("revocation_reason_large", "out of range", "a reason has 16 bits", class.OutOfRange, "reason", change(good, 5, 29, 1)),
		s.bad("revocation_signer_set_zero", "wrong signer set", "sets start at 1", class.OutOfRange, "signerSet", blank(good, 6)),
		s.dirty("revocation", "epoch", good, 2, 8),
		s.dirty("revocation", "targetKind", good, 4, 4),
		s.dirty("revocation", "reason", good, 5, 4),
		s.dirty("revocation", "signerSet", good, 6, 8),
		s.dirty("revocation", "issuedAt", good, 7, 8),
		s.bad("revocation_short", "bad length", "one word missing", class.BadLength, "body", good[:224]),
		s.bad("revocation_long", "bad length", "one byte more", class.BadLength, "body", append(bytes.Clone(good), 0)),
	}
}

// fullSet is a set of 32 keys of which 17 must sign.
func fullSet(t *testing.T) proofs.SignerSet {
	t.Helper()
	set := proofs.SignerSet{Audience: scenario.ID("urn:db:test"), PoolID: scenario.ID("pool"), Set: 2, Previous: scenario.ID("set 1"), Threshold: 17}
	for i := range 32 {
		key, err := proofs.NewKey(scenario.Ed25519(fmt.Sprint("signer ", i)).Public())
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, key)
	}
	scenario.Order(set.Keys)
	return set
}

func signerSetRows(t *testing.T) []row {
	s := statement{signerSetType}
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	good := encode(t, pool.Set) // es256 in words 7 to 15, es256k in 16 to 18, ed25519 in 19 to 21
	full := encode(t, fullSet(t))
	single := slices.Concat(good[:7*32], good[7*32:10*32])
	single[5*32+31], single[6*32+31] = 1, 1
	ed := func(point ...byte) []byte { // little endian, short ones filled with zeros
		b := blank(good, 20)
		copy(b[20*32:], point)
		return b
	}
	order8 := append([]byte{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc}, 0x05)
	nearP := func(low byte) []byte { return append(append([]byte{low}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f) }
	swapped := slices.Concat(good[:7*32], good[10*32:13*32], good[7*32:10*32], good[13*32:])
	twice := slices.Concat(good[:10*32], good[7*32:10*32], good[13*32:])
	return []row{
		s.good("signer_set_good", "three keys of es256, one of es256k, one of ed25519; three must sign", good),
		s.good("signer_set_single", "one key, which must sign", single),
		s.good("signer_set_full", "32 keys, and a set before it", full),
		s.bad("signer_set_audience_zero", "wrong audience", "no ledger named", class.OutOfRange, "audience", blank(good, 0)),
		s.bad("signer_set_set_zero", "wrong signer set", "sets start at 1", class.OutOfRange, "set", blank(good, 2)),
		s.bad("signer_set_first_with_previous", "wrong signer set", "set 1 after another", class.OutOfRange, "previous", change(good, 3, 0, 1)),
		s.bad("signer_set_second_without_previous", "wrong signer set", "set 2 after none", class.OutOfRange, "previous", change(good, 2, 31, 2)),
		s.bad("signer_set_threshold_zero", "below quorum", "nobody need sign", class.OutOfRange, "threshold", blank(good, 5)),
		s.bad("signer_set_threshold_over_size", "below quorum", "six of five", class.OutOfRange, "threshold", change(good, 5, 31, 6)),
		s.bad("signer_set_size_less", "bad length", "says 4, holds 5", class.OutOfRange, "size", change(good, 6, 31, 4)),
		s.bad("signer_set_size_more", "bad length", "says 6, holds 5", class.OutOfRange, "size", change(good, 6, 31, 6)),
		s.bad("signer_set_no_keys", "bad length", "a head alone", class.BadLength, "body", good[:7*32]),
		s.bad("signer_set_key_cut", "bad length", "the last key without y", class.BadLength, "body", good[:len(good)-32]),
		s.bad("signer_set_33_keys", "bad length", "one more than 32", class.BadLength, "body",
			append(change(full, 6, 31, 33), good[7*32:10*32]...)),
		s.bad("signer_set_order", "bad order", "the first two keys swapped", class.OutOfRange, "keys[1]", swapped),
		s.bad("signer_set_duplicate", "duplicated signer", "the first key twice", class.Duplicate, "keys[1]", twice),
		s.bad("signer_set_algorithm_zero", "unknown algorithm", "0", class.OutOfRange, "keys[0].alg", blank(good, 7)),
		s.bad("signer_set_algorithm_four", "unknown algorithm", "4", class.OutOfRange, "keys[4].alg", change(good, 19, 31, 4)),
		s.bad("signer_set_p256_off_curve", "bad key", "one bit of y changed", class.BadKey, "keys[2]", change(good, 15, 31, good[15*32+31]^1)),
		s.bad("signer_set_p256_infinity", "bad key", "x and y zero", class.BadKey, "keys[0]", blank(blank(good, 8), 9)),
		s.bad("signer_set_secp256k1_off_curve", "bad key", "one bit of x changed", class.BadKey, "keys[3]", change(good, 17, 31, good[17*32+31]^1)),
		s.bad("signer_set_p256_as_secp256k1", "bad key", "a point of P-256 under algorithm 2", class.BadKey, "keys[2]", change(good, 13, 31, 2)),
		s.bad("signer_set_ed25519_with_y", "bad key", "y must be zero", class.BadKey, "keys[4]", change(good, 21, 0, 1)),
		s.bad("signer_set_ed25519_identity", "bad key", "order 1", class.BadKey, "keys[4]", ed(1)),
		s.bad("signer_set_ed25519_order_2", "bad key", "y = -1", class.BadKey, "keys[4]", ed(nearP(0xec)...)),
		s.bad("signer_set_ed25519_order_4", "bad key", "y = 0", class.BadKey, "keys[4]", ed()),
		s.bad("signer_set_ed25519_order_8", "bad key", "a point of order 8", class.BadKey, "keys[4]", ed(order8...)),
		s.bad("signer_set_ed25519_order_8_negative", "bad key", "the same with the sign bit", class.BadKey, "keys[4]",
			change(ed(order8...), 20, 31, 0x85)),
		s.bad("signer_set_ed25519_not_reduced", "bad key", "y = 2^255-19+2: another encoding of 2", class.BadKey, "keys[4]", ed(nearP(0xef)...)),
		s.dirty("signer_set", "set", good, 2, 8),
		s.dirty("signer_set", "issuedAt", good, 4, 8),
		s.dirty("signer_set", "threshold", good, 5, 4),
		s.dirty("signer_set", "size", good, 6, 4),
		s.bad("signer_set_alg_dirty", "dirty padding", "a bit above 32", class.DirtyPadding, "keys[3].alg", change(good, 16, 27, 1)),
	}
}

func typeRows(t *testing.T) []row {
	body := encode(t, proofs.Sample())
	unknown := func(name, payloadType, comment string) row {
		return statement{payloadType}.bad(name, "wrong type", comment, class.WrongType, "payloadType", body)
	}
	return []row{
		unknown("type_next_version", "application/vnd.verifyd.contribution.v2+abi", "a version that this reader does not know"),
		unknown("type_unknown_kind", "application/vnd.verifyd.payment.v1+abi", "a kind that does not exist"),
		unknown("type_without_version", "application/vnd.verifyd.contribution", "no version"),
		unknown("type_with_brackets", "text/plain[]", "no media type"),
		statement{"text/plain"}.good("type_foreign", "a document that is not ours is opaque", []byte("hello")),
	}
}
