package translog_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

// witness cosigns checkpoints of one log that are consistent with what it saw,
// as c2sp.org/tlog-witness has it. It answers nothing while it is away.
type witness struct {
	t      *testing.T
	name   string
	key    ed25519.PrivateKey
	policy *proof.Policy // whose checkpoints it cosigns
	away   atomic.Bool
	seen   proof.Checkpoint
	*httptest.Server
}

func newWitness(t *testing.T, name string) *witness {
	t.Helper()
	seed := sha256.Sum256([]byte("test witness " + name))
	policy, err := proof.NewPolicy(signer(t, "log").Key())
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{t: t, name: name, key: ed25519.NewKeyFromSeed(seed[:]), policy: policy}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *witness) material() []byte {
	return append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
}

func (w *witness) id() []byte {
	h := sha256.Sum256(append([]byte(w.name+"\n"), w.material()...))
	return h[:4]
}

func (w *witness) vkey() string {
	return fmt.Sprintf("%s+%x+%s", w.name, w.id(), base64.StdEncoding.EncodeToString(w.material()))
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if w.away.Load() || r.URL.Path != "/add-checkpoint" {
		http.Error(out, "away", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, proof.MaxProofSize+1))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	asked, err := proof.ParseConsistency(body)
	if err != nil {
		w.t.Errorf("%q: %v", body, err)
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	if asked.Old != w.seen.Size {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintln(out, w.seen.Size)
		return
	}
	old := w.seen
	old.Origin = origin
	c, err := w.policy.VerifyConsistency(body, old)
	if err != nil {
		w.t.Error(err)
		http.Error(out, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.seen = c
	at := uint64(time.Now().Unix())
	signed := append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), c.Body()...)
	sig := append(binary.BigEndian.AppendUint64(w.id(), at), ed25519.Sign(w.key, signed)...)
	fmt.Fprintf(out, "— %s %s\n", w.name, base64.StdEncoding.EncodeToString(sig))
}

func policyOf(quorum string, ws ...*witness) []byte {
	var b strings.Builder
	var names []string
	for i, w := range ws {
		names = append(names, fmt.Sprintf("w%d", i))
		fmt.Fprintf(&b, "witness w%d %s %s\n", i, w.vkey(), w.URL)
	}
	fmt.Fprintf(&b, "group all-of-them %s %s\nquorum all-of-them\n", quorum, strings.Join(names, " "))
	return []byte(b.String())
}

func openWitnessed(t *testing.T, dir string, policy []byte) *translog.Log {
	t.Helper()
	o := options(t)
	o.Witnesses = policy
	l, err := translog.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAProofCarriesTheCosignaturesOfItsWitnesses(t *testing.T) {
	dir := newLog(t)
	ws := []*witness{newWitness(t, "witness.example/1"), newWitness(t, "witness.example/2"), newWitness(t, "witness.example/3")}
	ws[2].away.Store(true)
	file := policyOf("2", ws...)
	for round := range 3 { // each continues what the witnesses saw
		l := openWitnessed(t, dir, file)
		if _, err := l.Append(t.Context(), entries(0, 100*(round+1))...); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
	}
	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := f.Proof(250)
	if err != nil {
		t.Fatal(err)
	}
	for quorum, want := range map[string]bool{"2": true, "any": true, "all": false} {
		policy, err := proof.ParsePolicy(policyOf(quorum, ws...), f.Key())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Verify(text, entry(250)); (err == nil) != want {
			t.Errorf("quorum %s: %v", quorum, err)
		}
	}
}

func TestNothingIsPublishedWithoutItsWitnesses(t *testing.T) {
	dir := newLog(t)
	w := newWitness(t, "witness.example/1")
	file := policyOf("all", w)
	closeLog(t, openWitnessed(t, dir, file))

	w.away.Store(true)
	l := openWitnessed(t, dir, file)
	if _, err := l.Append(t.Context(), entries(0, 10)...); err != nil {
		t.Fatal(err) // it is in the tree for good; it is only not published
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if r := checked(t, dir); r.Checkpoint.Size != 0 || r.Journal != 10 || r.Missing != 10 {
		t.Fatalf("away: %+v", r)
	}

	w.away.Store(false)
	closeLog(t, openWitnessed(t, dir, file))
	if r := checked(t, dir); r.Checkpoint.Size != 10 || r.Journal != 0 || r.Missing != 0 {
		t.Fatalf("back: %+v", r)
	}
}

func TestAWitnessCannotFillTheMemory(t *testing.T) {
	dir := newLog(t)
	closeLog(t, open(t, dir))
	var sent atomic.Int64
	flood := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		block := bytes.Repeat([]byte("x"), 1<<16)
		for range 1 << 12 { // 256 MiB
			n, err := out.Write(block)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	}))
	defer flood.Close()
	w := newWitness(t, "witness.example/1")
	file := bytes.ReplaceAll(policyOf("all", w), []byte(w.URL), []byte(flood.URL))
	l := openWitnessed(t, dir, file)
	if _, err := l.Append(t.Context(), entry(0)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := l.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if n := sent.Load(); n > 64<<20 {
		t.Fatalf("took %d bytes of it", n)
	}
}

func TestAPolicyThatVerifiersWouldRefuseIsRefused(t *testing.T) {
	dir := newLog(t)
	o := options(t)
	for _, policy := range []string{"", "quorum none\nquorum none\n", "witness a b c\nquorum a\n", "quorum nobody\n"} {
		o.Witnesses = []byte(policy)
		if l, err := translog.Open(t.Context(), dir, o); err == nil {
			closeLog(t, l)
			t.Errorf("%q passes", policy)
		}
	}
	closeLog(t, open(t, dir))
}

func TestVerifiersOfEitherKeyGoOnWhileOneFollowsTheOther(t *testing.T) {
	dir := newLog(t)
	o := options(t)
	o.Also = []*translog.Signer{signer(t, "next")}
	l, err := translog.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), entry(0)); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := f.Proof(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"log", "next"} {
		if _, err := proof.Verify(text, signer(t, name).Key(), entry(0)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
