package simulated

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
	"github.com/verifyd/verifyd/proofs/testdata/vectors"
)

const rootType = "application/vnd.verifyd.epoch-root.v1+abi"

// named is the contract's error for each failure class. Those that decoding
// finds have no name.
var named = map[string]string{
	"success":           "",
	"bad-length":        "BadLength",
	"wrong-type":        "BadLength", // no other statement has ten words
	"dirty-padding":     "without a name",
	"wrong-audience":    "WrongAudience",
	"wrong-pool":        "WrongPool",
	"wrong-policy":      "WrongPolicy",
	"wrong-signer-set":  "WrongSignerSet",
	"below-quorum":      "BelowQuorum",
	"duplicated-signer": "DuplicatedSigner",
	"bad-signature":     "BadSignature",
	"high-s":            "BadSignature",
	"expired":           "Expired",
	"replayed-epoch":    "ReplayedEpoch",
	"decreasing-total":  "DecreasingTotal",
	"epoch-too-far":     "EpochTooFar",
	"revoked":           "Revoked",
	"above-total":       "AboveSignedTotal",
	"bad-path":          "BadPath",
}

func all(t *testing.T) []vectors.Vector {
	t.Helper()
	vs, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	return vs
}

func class(v vectors.Vector) string { return strings.Fields(v.Expect)[0] }

func hash(t *testing.T, text string) (h proofs.Hash) {
	t.Helper()
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(raw) != len(h) {
		t.Fatalf("%q is not a hash", text)
	}
	copy(h[:], raw)
	return h
}

func number(t *testing.T, text string) uint64 {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// poolQuorum is the signer set of the vectors, whose last key is ed25519.
func poolQuorum(t *testing.T) quorum {
	t.Helper()
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	q := quorum{set: pool.Set}
	for _, k := range pool.Set.Keys {
		q.signers = append(q.signers, pool.Signers[k])
	}
	return q
}

// postRaw is the call of postRoot with any bytes for a body, signed as an
// epoch root by the keys at some places, in that order.
func (q quorum) postRaw(t *testing.T, minter abi.ABI, body []byte, places ...int) []byte {
	t.Helper()
	signatures := []abiSignature{}
	for _, place := range places {
		signatures = append(signatures, q.signature(t, body, place))
	}
	data, err := minter.Pack("postRoot", body, signatures)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (q quorum) signature(t *testing.T, body []byte, place int) abiSignature {
	t.Helper()
	message := "DSSEv1 " + strconv.Itoa(len(rootType)) + " " + rootType + " " + strconv.Itoa(len(body)) + " " + string(body)
	digest := sha256.Sum256([]byte(message))
	der, err := q.signers[place].Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	sig := abiSignature{Key: big.NewInt(int64(place))}
	sig.R, sig.S = integers(der)
	order := orderOf(q.set.Keys[place])
	if s := new(big.Int).SetBytes(sig.S[:]); s.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		sig.S = highS(sig.S, order)
	}
	return sig
}

func orderOf(k proofs.Key) *big.Int {
	if k.Alg == "es256k" {
		return secp256k1.S256().N
	}
	return elliptic.P256().Params().N
}

// highS is the other s of the same signature.
func highS(s [32]byte, order *big.Int) (other [32]byte) {
	new(big.Int).Sub(order, new(big.Int).SetBytes(s[:])).FillBytes(other[:])
	return other
}

// TestRootVectorsOnChain gives the vectors about epoch roots to the contract.
// It is deployed for each with the vector's pool, policy and history. What the
// vector cannot know is put in its place: the contract's own audience and the
// chain's time; and the keys of the same set sign anew, ed25519 aside.
func TestRootVectorsOnChain(t *testing.T) {
	c, q := newChain(t, "osaka"), poolQuorum(t)
	seen := make(map[string]int)
	for _, v := range all(t) {
		if v.Kind != "root" || v.Facts["paid"] != "" || v.Facts["growth"] != "" {
			continue // what was paid and pinned is in the sequences
		}
		t.Run(v.Name, func(t *testing.T) {
			c.t = t
			minter := c.deployMinter(hash(t, v.Facts["pool"]), hash(t, v.Facts["policy"]), c.from)
			minter.must(q.setSigners(t))
			env, err := proofs.ParseEnvelope(v.Body)
			if err != nil {
				t.Fatal(err)
			}
			seen[class(v)]++
			if last := number(t, v.Facts["last-epoch"]); last > 0 {
				before := minter.rootOf(last, scenario.ID("before"), proofs.Uint(number(t, v.Facts["last-total"])))
				minter.must(q.post(t, before, 0, 1, 2))
				minter.activate()
			}
			body := bytes.Clone(env.Body)
			if ours := hash(t, v.Facts["audience"]); bytes.Equal(body[:32], ours[:]) {
				here := minter.audience()
				copy(body, here[:])
			}
			if len(body) == 320 {
				notAfter := body[32*7+24:][:8]
				binary.BigEndian.PutUint64(notAfter, binary.BigEndian.Uint64(notAfter)+c.now()-number(t, v.Facts["now"]))
			}
			places := []int{0, 1, 3}[:min(3, len(env.Signatures))]
			if len(env.Signatures) == 1 {
				places = []int{0, 1, 3} // a contribution has one
			}
			data := q.postRaw(t, minter.abi, body, places...)
			if v.Expect != "revoked payload" {
				if got := minter.refusal(data); got != named[class(v)] {
					t.Errorf("%q, want %q for %s", got, named[class(v)], v.Expect)
				}
				return
			}
			// What a revocation is elsewhere is a veto here.
			minter.must(data)
			minter.must(evm.Veto())
			if got := minter.refusal(data); got != "Revoked" {
				t.Errorf("posted again after a veto: %q", got)
			}
			minter.wait(window)
			if got := minter.refusal(evm.Finalize()); got != "NoRootPending" {
				t.Errorf("finalized after a veto: %q", got)
			}
		})
	}
	c.t = t
	for _, name := range []string{"success", "wrong-audience", "wrong-pool", "wrong-policy", "wrong-signer-set", "below-quorum", "expired",
		"replayed-epoch", "decreasing-total", "revoked", "wrong-type"} {
		if seen[name] == 0 {
			t.Errorf("no vector of class %s", name)
		}
	}
}

// TestStatementVectorsOnChain gives the vectors about the bytes of an epoch
// root to a contract whose pool, policy and set are the vector's.
func TestStatementVectorsOnChain(t *testing.T) {
	c, n := newChain(t, "osaka"), 0
	for _, v := range all(t) {
		if v.Kind != "statement" || v.Facts["type"] != rootType {
			continue
		}
		n++
		t.Run(v.Name, func(t *testing.T) {
			c.t = t
			body := bytes.Clone(v.Body)
			word := func(i int) []byte {
				if len(body) < 32*(i+1) {
					return make([]byte, 32)
				}
				return body[32*i : 32*(i+1)]
			}
			minter := c.deployMinter(proofs.Hash(word(1)), proofs.Hash(word(4)), c.from)
			if here := minter.audience(); !bytes.Equal(word(0), make([]byte, 32)) {
				copy(word(0), here[:])
			}
			binary.BigEndian.PutUint64(word(7)[24:], c.now()+1000)
			q := newQuorum(t, 3, 3, 0)
			q.set.Set = max(1, binary.BigEndian.Uint64(word(6)[24:]))
			q.set.Previous = scenario.ID("the set before")
			if q.set.Set == 1 {
				q.set.Previous = proofs.Hash{}
			}
			minter.must(q.setSigners(t))
			want := named[class(v)]
			if class(v) == "out-of-range" {
				want = map[string]string{"audience": "WrongAudience", "epoch": "ReplayedEpoch", "root": "ZeroRoot", "signerSet": "WrongSignerSet"}[strings.Fields(v.Expect)[1]]
			}
			if want == "" && len(body) == 320 && binary.BigEndian.Uint64(word(2)[24:]) > 1<<16 {
				want = "EpochTooFar" // well-formed, and no first root
			}
			if got := minter.refusal(q.postRaw(t, minter.abi, body, 0, 1, 2)); got != want {
				t.Errorf("%q, want %q for %s", got, want, v.Expect)
			}
		})
	}
	if n < 12 {
		t.Errorf("%d vectors about epoch roots", n)
	}
}

// TestSignaturesThatMustNotCountDoNot holds the classes about signatures, for
// both curves and with and without the precompile.
func TestSignaturesThatMustNotCountDoNot(t *testing.T) {
	for name := range rules {
		t.Run(name, func(t *testing.T) {
			c, q := newChain(t, name), poolQuorum(t)
			minter := c.deployMinter(poolID, policy, c.from)
			minter.must(q.setSigners(t))
			body, err := proofs.Encode(minter.rootOf(1, scenario.ID("root"), proofs.Uint(1)))
			if err != nil {
				t.Fatal(err)
			}
			zero, first := [32]byte{}, q.signature(t, body, 0)
			for _, row := range []struct {
				name, want string
				places     []int
				change     func(s []abiSignature)
			}{
				{"good", "", []int{0, 1, 3}, nil},
				{"below quorum", named["below-quorum"], []int{0, 3}, nil},
				{"nobody", named["below-quorum"], nil, nil},
				{"duplicated signer", named["duplicated-signer"], []int{0, 3, 3}, nil},
				{"duplicated signer, not adjacent", named["duplicated-signer"], []int{0, 3, 0}, nil},
				{"ed25519 of the set", "UnknownSigner", []int{0, 1, 2}, func(s []abiSignature) { s[2].Key = big.NewInt(4) }},
				{"outside the set", "UnknownSigner", []int{0, 1, 2}, func(s []abiSignature) { s[2].Key = new(big.Int).Lsh(big.NewInt(1), 255) }},
				{"high s on P-256", named["high-s"], []int{0, 1, 3}, func(s []abiSignature) { s[1].S = highS(s[1].S, elliptic.P256().Params().N) }},
				{"high s on secp256k1", named["high-s"], []int{0, 1, 3}, func(s []abiSignature) { s[2].S = highS(s[2].S, secp256k1.S256().N) }},
				{"r and s zero on P-256", named["bad-signature"], []int{0, 1, 3}, func(s []abiSignature) { s[0].R, s[0].S = zero, zero }},
				{"r and s zero on secp256k1", named["bad-signature"], []int{0, 1, 3}, func(s []abiSignature) { s[2].R, s[2].S = zero, zero }},
				{"another key's", named["bad-signature"], []int{0, 1, 3}, func(s []abiSignature) { s[1].R, s[1].S = first.R, first.S }},
				{"of the other curve", named["bad-signature"], []int{0, 1, 3}, func(s []abiSignature) { s[2].R, s[2].S = first.R, first.S }},
			} {
				signatures := []abiSignature{}
				for _, place := range row.places {
					signatures = append(signatures, q.signature(t, body, place))
				}
				if row.change != nil {
					row.change(signatures)
				}
				if got := minter.refusal(minter.pack("postRoot", body, signatures)); got != row.want {
					t.Errorf("%s: %q, want %q", row.name, got, row.want)
				}
			}
		})
	}
}

// TestPathVectorsOnChain claims the leaves of the vectors about paths and
// multiproofs from their roots. The calls are encoded word by word, so that
// what no Go type holds arrives as well.
func TestPathVectorsOnChain(t *testing.T) {
	c, q := newChain(t, "osaka"), poolQuorum(t)
	ledgers := make(map[string]*contract)
	n := 0
	for _, v := range all(t) {
		if v.Kind != "path" && v.Kind != "multiproof" {
			continue
		}
		n++
		t.Run(v.Name, func(t *testing.T) {
			c.t = t
			key := v.Facts["pool"] + v.Facts["root"]
			ledger, ok := ledgers[key]
			if !ok {
				ledger = c.deployMinter(hash(t, v.Facts["pool"]), policy, c.from)
				ledger.must(q.setSigners(t))
				root := ledger.rootOf(1, hash(t, v.Facts["root"]), proofs.Uint128{Hi: 1<<64 - 1, Lo: 1<<64 - 1})
				root.PoolID = hash(t, v.Facts["pool"])
				ledger.must(q.post(t, root, 0, 1, 2))
				ledger.activate()
				ledgers[key] = ledger
			}
			ledger.t = t
			want := named[class(v)]
			if class(v) == "bad-length" {
				want = "without a name" // decoding finds that words are missing
			}
			got := ledger.refusal(rawClaim(t, ledger.abi, v))
			if v.Kind == "multiproof" && want != "" && got == "MerkleProofInvalidMultiproof" {
				got = want // OpenZeppelin's word for a proof whose counts do not agree
			}
			if got == "without a name" && want == "BadPath" && v.Kind == "multiproof" {
				got = want // its flags ask for more nodes than there are
			}
			if got != want {
				t.Errorf("%q, want %q for %s", got, want, v.Expect)
			}
		})
	}
	if n < 25 {
		t.Errorf("%d vectors about paths", n)
	}
}

// rawClaim is the call of claim or claimMany with the vector's words as they
// are.
func rawClaim(t *testing.T, minter abi.ABI, v vectors.Vector) []byte {
	t.Helper()
	var path []byte
	if p := v.Facts["path"]; p != "none" && p != "" {
		for _, node := range strings.Split(p, ",") {
			h := hash(t, node)
			path = append(path, h[:]...)
		}
	}
	word := func(n int) []byte { return common.BigToHash(big.NewInt(int64(n))).Bytes() }
	proof := slices.Concat(word(len(path)/32), path)
	if v.Kind == "path" {
		return slices.Concat(minter.Methods["claim"].ID, v.Body, word(4*32), proof)
	}
	leaves := slices.Concat(word(len(v.Body)/96), v.Body)
	var flags []byte
	for _, f := range v.Facts["flags"] {
		flags = append(flags, word(int(f-'0'))...)
	}
	flags = slices.Concat(word(len(flags)/32), flags)
	return slices.Concat(minter.Methods["claimMany"].ID, word(96), word(96+len(leaves)), word(96+len(leaves)+len(proof)), leaves, proof, flags)
}
