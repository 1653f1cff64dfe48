package valuation

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// all are entries of a log.
func all(entries ...[]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestASecondListOfAClaimShowsInTheLog(t *testing.T) {
	r := newRig(t)
	first := r.signed
	other := *r.list
	other.Frozen, other.Claims = other.Frozen+60, slices.Clone(other.Claims[:1])
	second := must(other.Sign(r.operator))(t)
	stranger := must(other.Sign(must(verifytest.NewKey(9))(t)))(t)
	noise := []byte("a contribution")
	if err := r.list.Alone(r.digest, r.key, all(noise, first, stranger, first)); err != nil {
		t.Error(err)
	}
	for _, entries := range [][][]byte{{first, second}, {second, noise, first}} {
		if err := r.list.Alone(r.digest, r.key, all(entries...)); !errors.Is(err, ErrSecondList) {
			t.Errorf("%v", err)
		}
	}
	if err := r.list.Alone(r.digest, r.key, all(noise)); !errors.Is(err, translog.ErrNotLogged) {
		t.Errorf("not in the log: %v", err)
	}
	damaged := errors.New("damaged")
	err := r.list.Alone(r.digest, r.key, func(yield func([]byte, error) bool) { _ = yield(first, nil) && yield(nil, damaged) })
	if !errors.Is(err, damaged) {
		t.Error(err)
	}
}

func TestAListIsFrozenBeforeItsRoundIfWitnessesSaySo(t *testing.T) {
	r := newRig(t)
	due := r.list.Frozen + int64(r.list.Delay)
	for at, fine := range map[int64]bool{frozen: true, due - 1: true, due: false, due + 3600: false} {
		policy, proof := witnessed(t, r.signed, at)
		if err := r.list.Logged(policy, proof, r.signed); (err == nil) != fine {
			t.Errorf("cosigned %d seconds before the round: %v", due-at, err)
		}
	}
	policy, proof := witnessed(t, r.signed, frozen)
	r.list.Claims = r.list.Claims[1:]
	r.freeze(t) // after the round was known
	if err := r.list.Logged(policy, proof, r.signed); !errors.Is(err, translog.ErrNotLogged) {
		t.Errorf("a list that was changed afterwards: %v", err)
	}
}

// witnessed is a log of one entry that a witness cosigned at a Unix time.
func witnessed(t *testing.T, entry []byte, at int64) (*translog.Policy, []byte) {
	t.Helper()
	log, witness := ed25519.NewKeyFromSeed(make([]byte, 32)), ed25519.NewKeyFromSeed([]byte("a witness is somebody else's key"))
	key := must(note.NewEd25519VerifierKey("log.example", log.Public().(ed25519.PublicKey)))(t)
	material := append([]byte{4}, witness.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte("witness.example\n"), material...))
	id := binary.BigEndian.Uint32(sum[:])
	text := fmt.Sprintf("witness w witness.example+%08x+%s\nquorum w\n", id, base64.StdEncoding.EncodeToString(material))
	p := must(translog.ParsePolicy([]byte(text), key))(t)
	body := translog.Checkpoint{Origin: "log.example", Size: 1, Root: translog.LeafHash(entry)}.Body()
	logID := must(note.NewVerifier(key))(t).KeyHash()
	line := func(name string, id uint32, sig []byte) string {
		return fmt.Sprintf("— %s %s\n", name, base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, id), sig...)))
	}
	dated := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, body)
	cosigned := append(binary.BigEndian.AppendUint64(nil, uint64(at)), ed25519.Sign(witness, dated)...)
	signed := string(body) + "\n" + line("log.example", logID, ed25519.Sign(log, body)) + line("witness.example", id, cosigned)
	return p, (&translog.Proof{Path: []tlog.Hash{}, Checkpoint: []byte(signed)}).Text()
}
