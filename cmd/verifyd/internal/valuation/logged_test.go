package valuation

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/job"
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
	r := newRig(t, func(j *job.Job) { j.Log = logged(t, true) })
	due := r.list.Frozen + int64(r.list.Delay)
	for at, fine := range map[int64]bool{frozen: true, due - 1: true, due: false, due + 3600: false} {
		if _, err := r.list.Dated(r.jobs, witnessed(t, r.signed, at), r.signed); (err == nil) != fine {
			t.Errorf("cosigned %d seconds before the round: %v", due-at, err)
		}
	}
	proof := witnessed(t, r.signed, frozen)
	r.list.Claims = r.list.Claims[1:]
	r.freeze(t) // after the round was known
	if _, err := r.list.Dated(r.jobs, proof, r.signed); err == nil {
		t.Error("a list that was changed afterwards")
	}
}

// witnessed is the proof of a log of one entry that a witness cosigned at a Unix time.
func witnessed(t *testing.T, entry []byte, at int64) []byte {
	t.Helper()
	log, witness := ed25519.NewKeyFromSeed(make([]byte, 32)), ed25519.NewKeyFromSeed([]byte("a witness is somebody else's key"))
	named := logged(t, true)
	id := func(key string) uint32 {
		n, err := strconv.ParseUint(strings.Split(key, "+")[1], 16, 32)
		return uint32(must(n, err)(t))
	}
	body := translog.Checkpoint{Origin: "log.example", Size: 1, Root: translog.LeafHash(entry)}.Body()
	line := func(name string, id uint32, sig []byte) string {
		return fmt.Sprintf("— %s %s\n", name, base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, id), sig...)))
	}
	dated := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, body)
	cosigned := append(binary.BigEndian.AppendUint64(nil, uint64(at)), ed25519.Sign(witness, dated)...)
	signed := string(body) + "\n" + line("log.example", id(named.Key), ed25519.Sign(log, body)) + line("witness.example", id(named.Witnesses[0]), cosigned)
	return (&translog.Proof{Path: []tlog.Hash{}, Checkpoint: []byte(signed)}).Text()
}
