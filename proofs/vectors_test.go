package proofs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/testdata/vectors"
	"github.com/verifyd/verifyd/proofs/translog"
)

var updateVectors = flag.Bool("update", false, "write testdata/vectors anew")

const vectorFolder = "testdata/vectors"

// A row is a vector and, by the code that makes it, its explanation.
type row struct {
	name, kind, class, comment, expect string
	facts                              []string // "name: value"
	body                               []byte
	file                               bool // body is the text of a file, not words
}

// TestVectors gives each vector to the reader of its kind.
func TestVectors(t *testing.T) {
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			got := "success"
			if err := read(v); err != nil {
				var fault *proofs.Error
				if !errors.As(err, &fault) {
					t.Fatalf("refused without a class: %v", err)
				}
				got = fault.Class + " " + fault.Field
			}
			if got != v.Expect {
				t.Errorf("%s, want %s", got, v.Expect)
			}
		})
	}
}

func TestVectorsAreManyAndMostlyBad(t *testing.T) {
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	bad := 0
	for _, v := range all {
		if v.Expect != "success" {
			bad++
		}
		if v.Comment == "" || v.Kind == "" || (v.Class == "") != (v.Expect == "success") {
			t.Errorf("%s: header not complete", v.Name)
		}
	}
	t.Logf("%d vectors, %d of them negative", len(all), bad)
	if len(all) < 200 || 4*bad < 3*len(all) {
		t.Errorf("%d vectors, %d of them negative; want 200 and three quarters", len(all), bad)
	}
}

// TestVectorsAreTheOnesThatTheirGeneratorWrites keeps the files and the code
// that explains them together. Run with -update to write them.
func TestVectorsAreTheOnesThatTheirGeneratorWrites(t *testing.T) {
	rows := slices.Concat(statementRows(t), signatureRows(t), keyRows(t), envelopeRows(t), ledgerRows(t), treeRows(t), bundleRows(t))
	names := make(map[string]bool)
	for _, r := range rows {
		if names[r.name] {
			t.Errorf("two vectors with the name %s", r.name)
		}
		names[r.name] = true
		path := filepath.Join(vectorFolder, r.name+".txt")
		if *updateVectors {
			if err := os.WriteFile(path, r.text(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, r.text()) {
			t.Errorf("%s differs from what is generated (%v)", path, err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
	if len(files) != len(rows) {
		t.Errorf("%d files, %d generated", len(files), len(rows))
	}
}

func (r row) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "comment: %s\nkind: %s\n", r.comment, r.kind)
	if r.class != "" {
		fmt.Fprintf(&b, "class: %s\n", r.class)
	}
	fmt.Fprintf(&b, "expect: %s\n", r.expect)
	for _, f := range r.facts {
		b.WriteString(f + "\n")
	}
	if r.file {
		b.WriteString("encoding: file\n\n")
		b.Write(r.body)
		return b.Bytes()
	}
	b.WriteByte('\n')
	for words := range slices.Chunk(r.body, 32) {
		fmt.Fprintf(&b, "%x\n", words)
	}
	return b.Bytes()
}

// read gives a vector to the reader of its kind.
func read(v vectors.Vector) error {
	f := facts(v.Facts)
	switch v.Kind {
	case "statement":
		_, err := proofs.Parse(f["type"], v.Body)
		return err
	case "signature":
		return readSignature(f, v.Body)
	case "key":
		key, err := proofs.ParseSPKI(v.Body)
		if err != nil {
			return err
		}
		id, err := proofs.KeyID(key)
		return cmpErr(err, id.String(), f["keyid"])
	case "envelope":
		env, err := proofs.ParseEnvelope(v.Body)
		if err != nil {
			return err
		}
		_, err = proofs.Verify[proofs.Statement](env, int(f.number("threshold")), f.keys("keys")...)
		return err
	case "root", "revocation", "rotation":
		return readForLedger(v.Kind, f, v.Body)
	case "leaves":
		return readLeaves(f, v.Body)
	case "path", "multiproof":
		return readPath(v.Kind, f, v.Body)
	case "audience":
		hash, err := proofs.Audience(f["name"])
		return cmpErr(err, hash.String(), f["hash"])
	case "bundle", "reading":
		b, err := bundle.Parse(v.Body)
		if err != nil {
			return err
		}
		if v.Kind == "reading" {
			_, err = b.Stated(f.ledger())
			return err
		}
		_, err = b.Verify(f.ledger())
		return err
	}
	return fmt.Errorf("kind %q", v.Kind)
}

func cmpErr(err error, got, want string) error {
	if err == nil && got != want {
		return fmt.Errorf("%s, want %s", got, want)
	}
	return err
}

func readSignature(f facts, body []byte) error {
	key := f.keys("key")[0]
	id, err := proofs.KeyID(key)
	if err != nil {
		return err
	}
	env := &proofs.Envelope{Type: f["type"], Body: body, Signatures: []proofs.Signature{{KeyID: id, Sig: f.hex("sig")}}}
	_, err = proofs.Verify[proofs.Statement](env, 1, key)
	return err
}

func readForLedger(kind string, f facts, file []byte) error {
	env, err := proofs.ParseEnvelope(file)
	if err != nil {
		return err
	}
	l := f.ledger()
	switch kind {
	case "root":
		_, err = l.Accept(env)
	case "revocation":
		_, err = l.Revoke(env)
	case "rotation":
		err = l.Rotate(env)
	}
	return err
}

func readLeaves(f facts, file []byte) error {
	leaves, err := epoch.ParseFile(file)
	if err != nil {
		return err
	}
	tree, err := merkle.New(f.hash("pool"), leaves)
	if err != nil {
		return err
	}
	return cmpErr(nil, tree.Root().String(), f["root"])
}

// readPath reads leaves as the leaf file has them, each on its own.
func readPath(kind string, f facts, body []byte) error {
	var leaves []merkle.Leaf
	for chunk := range slices.Chunk(body, 96) {
		l, err := epoch.ParseFile(chunk)
		if err != nil {
			return err
		}
		leaves = append(leaves, l...)
	}
	var path []proofs.Hash
	for _, h := range f.list("path") {
		path = append(path, facts{"h": h}.hash("h"))
	}
	if kind == "path" {
		return merkle.Verify(f.hash("root"), f.hash("pool"), leaves[0], path)
	}
	m := merkle.MultiProof{Leaves: leaves, Path: path}
	for _, c := range f["flags"] {
		m.Flags = append(m.Flags, c == '1')
	}
	return m.Verify(f.hash("root"), f.hash("pool"))
}

// facts is a vector's header. It is ours, so a fault in it is ours too.
type facts map[string]string

func (f facts) hex(name string) []byte {
	raw, err := hex.DecodeString(strings.TrimPrefix(f[name], "0x"))
	if err != nil {
		panic(err)
	}
	return raw
}

func (f facts) hash(name string) (h proofs.Hash) {
	copy(h[:], f.hex(name))
	return h
}

func (f facts) list(name string) []string {
	if f[name] == "" || f[name] == "none" {
		return nil
	}
	return strings.Split(f[name], ",")
}

func (f facts) number(name string) uint64 {
	if f[name] == "" {
		return 0
	}
	n, err := strconv.ParseUint(f[name], 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func (f facts) keys(name string) (keys []proofs.Key) {
	for _, der := range f.list(name) {
		key, err := proofs.ParseSPKI(facts{"k": der}.hex("k"))
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// ledger is what the header's lines audience, pool, policy, signers, now, growth,
// last-epoch, last-total, paid, revoked and log say; each but the first two and
// signers may be absent.
func (f facts) ledger() *bundle.Ledger {
	l := &bundle.Ledger{Audience: f.hash("audience"), PoolID: f.hash("pool"), PolicyHash: f.hash("policy")}
	set, err := proofs.Parse("application/vnd.verifyd.signer-set.v1+abi", f.hex("signers"))
	if err != nil {
		panic(err)
	}
	l.Signers = set.(proofs.SignerSet)
	if now := f.number("now"); now > 0 {
		l.Now = time.Unix(int64(now), 0)
	}
	l.EpochGrowth, l.Paid = f.number("growth"), proofs.Uint(f.number("paid"))
	if last := f.number("last-epoch"); last > 0 {
		root := proofs.EpochRoot{Epoch: last, CumulativeUnits: proofs.Uint(f.number("last-total"))}
		l.Accepted = []bundle.Root{{EpochRoot: root}}
	}
	l.Revoked = make(map[proofs.Hash]bool)
	for _, digest := range f.list("revoked") {
		l.Revoked[facts{"d": digest}.hash("d")] = true
	}
	if f["log"] != "" {
		if l.Log, err = translog.NewPolicy(f["log"]); err != nil {
			panic(err)
		}
	}
	return l
}

// Expectations that many rows share.
func refused(class, field string) string { return class + " " + field }

const success = "success"

func FuzzVectorFile(f *testing.F) {
	for _, name := range []string{"good", "envelope_quorum", "multiproof_four"} {
		data, err := vectors.Files.ReadFile(name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := vectors.Parse("fuzz", data); err == nil && len(v.Body) > len(data) {
			t.Fatalf("%d bytes out of %d", len(v.Body), len(data))
		}
	})
}
