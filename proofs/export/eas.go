package export

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/verifyd/verifyd/proofs"
)

// EASSchema is the schema of attestations about contributions: its ABI encoding is a contribution's body.
// Anybody may register it, without a resolver and revocable, under EASSchemaUID.
const EASSchema = "bytes32 audience,bytes32 poolId,uint64 epoch,bytes32 taskId,bytes32 workerId,uint32 slot,bytes32 account," +
	"uint128 units,uint128 cumulativeUnits,int128 shapley,uint128 stdErr,uint32 verdict,uint64 stepsClaimed,uint64 stepsReplayed,uint64 stepsFailed," +
	"bytes32 policyHash,bytes32 evidenceRoot,bytes32 engineHash,bytes32 sampleSeed,bytes32 beacon,bytes32 nullifier,uint64 issuedAt"

// EASSchemaUID is the schema's identifier, by EAS's SchemaRegistry.
func EASSchemaUID() proofs.Hash { return keccak([]byte(EASSchema), make([]byte, 20), []byte{1}) }

// EASDomain is the EAS contract whose name an attestation is signed under.
type EASDomain struct {
	Version  string   // of the contract, e.g. "1.3.0"
	ChainID  uint64   // EIP-155
	Contract [20]byte // its address
}

// attestation is an EAS off-chain attestation of version 2, as eas-sdk 2.10.0 writes it.
type attestation struct {
	Signer string `json:"signer"`
	Sig    struct {
		Version   uint16             `json:"version"`
		UID       string             `json:"uid"`
		Domain    domain             `json:"domain"`
		Primary   string             `json:"primaryType"`
		Types     map[string][]typed `json:"types"`
		Message   message            `json:"message"`
		Signature signature          `json:"signature"`
	} `json:"sig"`
}

type domain struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	ChainID  string `json:"chainId"`
	Contract string `json:"verifyingContract"`
}

type typed struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type message struct {
	Version    uint16 `json:"version"`
	Schema     string `json:"schema"`
	Recipient  string `json:"recipient"`
	Time       string `json:"time"`
	Expiration string `json:"expirationTime"`
	Revocable  bool   `json:"revocable"`
	RefUID     string `json:"refUID"`
	Data       string `json:"data"`
	Salt       string `json:"salt"`
}

type signature struct {
	R string `json:"r"`
	S string `json:"s"`
	V int    `json:"v"`
}

// The EIP-712 types of an attestation.
const (
	easName      = "EAS Attestation"
	domainType   = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
	attestType   = "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,bytes32 salt)"
	easVersion   = 2
	maxEAS       = 16 << 10 // bytes of a file
	addressBytes = 20
)

var attestFields = []typed{
	{"version", "uint16"}, {"schema", "bytes32"}, {"recipient", "address"}, {"time", "uint64"}, {"expirationTime", "uint64"},
	{"revocable", "bool"}, {"refUID", "bytes32"}, {"data", "bytes"}, {"salt", "bytes32"},
}

// EAS is an EAS off-chain attestation about a contribution, signed by EIP-712. The recipient is the account if
// it is an EVM address, nobody otherwise; the time is when the contribution was issued; the salt is its
// nullifier, so that the same contribution has the same identifier.
func EAS(c proofs.Contribution, d EASDomain, key *secp256k1.PrivateKey) ([]byte, error) {
	body, err := proofs.Encode(c)
	if err != nil {
		return nil, err
	}
	a := describe(c, d, body)
	a.Signer = hexed(address(key.PubKey()))
	digest := easDigest(c, d, recipientOf(c.Account), body)
	compact := ecdsa.SignCompact(key, digest[:], false) // 27 + recovery id, r, s
	a.Sig.Signature = signature{hexed(compact[1:33]), hexed(compact[33:]), int(compact[0])}
	return json.Marshal(a)
}

// describe is the attestation about a contribution, but for who signs it.
func describe(c proofs.Contribution, d EASDomain, body []byte) (a attestation) {
	recipient := recipientOf(c.Account)
	s := &a.Sig
	s.Version, s.Primary, s.Types = easVersion, "Attest", map[string][]typed{"Attest": attestFields}
	s.Domain = domain{easName, d.Version, strconv.FormatUint(d.ChainID, 10), hexed(d.Contract[:])}
	s.Message = message{
		Version: easVersion, Schema: EASSchemaUID().String(), Recipient: hexed(recipient), Time: strconv.FormatUint(c.IssuedAt, 10),
		Expiration: "0", Revocable: true, RefUID: proofs.Hash{}.String(), Data: hexed(body), Salt: c.Nullifier().String(),
	}
	s.UID = uid(c, recipient, body).String()
	return a
}

// FromEAS is the contribution of an attestation and the address that signed it. It refuses one that says
// anything else than its contribution.
func FromEAS(file []byte) (c proofs.Contribution, signer [20]byte, err error) {
	if len(file) > maxEAS {
		return c, signer, fmt.Errorf("attestation: %d bytes, the limit is %d", len(file), maxEAS)
	}
	var a attestation
	if err := json.Unmarshal(file, &a); err != nil {
		return c, signer, fmt.Errorf("attestation: %w", err)
	}
	body, err := unhexed("data", a.Sig.Message.Data)
	if err != nil {
		return c, signer, err
	}
	if c, err = contribution(body); err != nil {
		return c, signer, fmt.Errorf("attestation: data: %w", err)
	}
	chain, err := strconv.ParseUint(a.Sig.Domain.ChainID, 10, 64)
	if err != nil {
		return c, signer, fmt.Errorf("attestation: chainId: %w", err)
	}
	d := EASDomain{Version: a.Sig.Domain.Version, ChainID: chain}
	contract, err := unhexed("verifyingContract", a.Sig.Domain.Contract)
	if err != nil {
		return c, signer, err
	}
	if len(contract) != addressBytes {
		return c, signer, fmt.Errorf("attestation: verifyingContract: %d bytes, want %d", len(contract), addressBytes)
	}
	copy(d.Contract[:], contract)
	key, err := a.recover(easDigest(c, d, recipientOf(c.Account), body))
	if err != nil {
		return c, signer, err
	}
	again := describe(c, d, body)
	again.Signer, again.Sig.Signature = hexed(address(key)), a.Sig.Signature
	want, err := json.Marshal(again)
	if err != nil {
		return c, signer, err
	}
	if !bytes.Equal(want, file) {
		return c, signer, errors.New("attestation: not the one about its contribution, byte for byte")
	}
	copy(signer[:], address(key))
	return c, signer, nil
}

// recover is the key that signed a digest.
func (a *attestation) recover(digest proofs.Hash) (*secp256k1.PublicKey, error) {
	r, err := hash(a.Sig.Signature.R)
	if err != nil {
		return nil, fmt.Errorf("attestation: signature: r: %w", err)
	}
	s, err := hash(a.Sig.Signature.S)
	if err != nil {
		return nil, fmt.Errorf("attestation: signature: s: %w", err)
	}
	v := a.Sig.Signature.V
	if v != 27 && v != 28 {
		return nil, fmt.Errorf("attestation: signature: v: %d, want 27 or 28", v)
	}
	var high secp256k1.ModNScalar
	if high.SetByteSlice(s[:]) || high.IsOverHalfOrder() {
		return nil, errors.New("attestation: signature: s is not in the lower half")
	}
	key, _, err := ecdsa.RecoverCompact(append(append([]byte{byte(v)}, r[:]...), s[:]...), digest[:])
	if err != nil {
		return nil, fmt.Errorf("attestation: signature: %w", err)
	}
	return key, nil
}

// uid is the attestation's identifier, over its fields packed.
func uid(c proofs.Contribution, recipient, body []byte) proofs.Hash {
	salt := c.Nullifier()
	return keccak(
		[]byte{0, easVersion}, []byte(EASSchemaUID().String()), recipient, make([]byte, addressBytes),
		binary.BigEndian.AppendUint64(nil, c.IssuedAt), make([]byte, 8), []byte{1}, make([]byte, 32), body, salt[:], make([]byte, 4))
}

// easDigest is what is signed: EIP-712 over the domain and the message.
func easDigest(c proofs.Contribution, d EASDomain, recipient, body []byte) proofs.Hash {
	word := func(b []byte) []byte { return append(make([]byte, 32-len(b)), b...) }
	number := func(n uint64) []byte { return word(binary.BigEndian.AppendUint64(nil, n)) }
	sum := func(b []byte) []byte { h := keccak(b); return h[:] }
	schema, salt := EASSchemaUID(), c.Nullifier()
	separator := keccak(sum([]byte(domainType)), sum([]byte(easName)), sum([]byte(d.Version)), number(d.ChainID), word(d.Contract[:]))
	content := keccak(sum([]byte(attestType)), number(easVersion), schema[:], word(recipient), number(c.IssuedAt), number(0),
		number(1), make([]byte, 32), sum(body), salt[:])
	return keccak([]byte{0x19, 0x01}, separator[:], content[:])
}

// recipientOf is an account as an EVM address, zero if it is none.
func recipientOf(account proofs.Hash) []byte {
	if !bytes.Equal(account[:12], make([]byte, 12)) {
		return make([]byte, addressBytes)
	}
	return bytes.Clone(account[12:])
}

// address is that of a key.
func address(key *secp256k1.PublicKey) []byte {
	h := keccak(key.SerializeUncompressed()[1:])
	return h[12:]
}

func hexed(b []byte) string { return "0x" + hex.EncodeToString(b) }

func unhexed(field, text string) ([]byte, error) {
	if len(text) < 2 || text[:2] != "0x" {
		return nil, fmt.Errorf("attestation: %s: %.40q does not begin with 0x", field, text)
	}
	b, err := hex.DecodeString(text[2:])
	if err != nil {
		return nil, fmt.Errorf("attestation: %s: %w", field, err)
	}
	return b, nil
}
