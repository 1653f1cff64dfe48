package translog_test

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs/translog"
)

// two of X1, X2, X3 and one of Y1, Y2: the example of c2sp.org/tlog-policy.
func nested(keys map[string]*key) string {
	var b strings.Builder
	b.WriteString("# who watches\n\n")
	for _, name := range []string{"X1", "X2", "X3", "Y1", "Y2"} {
		b.WriteString("witness " + name + "\t" + keys[name].vkey() + " https://" + name + ".example\n")
	}
	b.WriteString("group X 2 X1 X2 X3\n group Y any Y1 Y2\ngroup XY all X Y\nquorum XY\n")
	return b.String()
}

func witnesses() map[string]*key {
	keys := map[string]*key{}
	for _, name := range []string{"X1", "X2", "X3", "Y1", "Y2", "stranger"} {
		keys[name] = newKey("witness.example/"+name, 4)
	}
	return keys
}

func TestTheQuorumDecides(t *testing.T) {
	keys := witnesses()
	tr := newTree(t, 6)
	p, err := translog.ParsePolicy([]byte(nested(keys)), tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		by string
		ok bool
	}{
		{"", false}, {"X1 X2", false}, {"Y1 Y2", false}, {"X1 Y1", false}, {"X1 stranger Y1", false},
		{"X1 X1 Y1", false}, {"X1 X2 Y1", true}, {"X2 X3 Y2", true}, {"stranger Y1 X1 X2 X3 Y2", true},
	}
	for _, tt := range tests {
		var by []*key
		for _, name := range strings.Fields(tt.by) {
			by = append(by, keys[name])
		}
		if _, err := p.Verify(tr.prove(4, by...).Text(), entry(4)); (err == nil) != tt.ok {
			t.Errorf("cosigned by %q: %v", tt.by, err)
		}
	}
}

func TestAWrongCosignatureOfAKnownWitnessIsRefused(t *testing.T) {
	keys := witnesses()
	tr := newTree(t, 6)
	p, err := translog.ParsePolicy([]byte(nested(keys)), tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	proof := tr.prove(4, keys["X1"], keys["X2"], keys["Y1"])
	tr.grow(1)
	other := tr.prove(4, keys["X3"])
	lines := strings.SplitAfter(string(other.Checkpoint), "\n")
	proof.Checkpoint = append(proof.Checkpoint, lines[len(lines)-2]...)
	if _, err := p.Verify(proof.Text(), entry(4)); err == nil || !strings.Contains(err.Error(), "witness.example/X3 does not verify") {
		t.Fatal(err)
	}
}

func TestAWitnessMayHaveAPlainNoteKey(t *testing.T) {
	tr, plain, dated := newTree(t, 6), newKey("witness.example/plain", 1), newKey("witness.example/dated", 4)
	text := "witness P " + plain.vkey() + "\nwitness D " + dated.vkey() + "\ngroup G all P D\nquorum G\n"
	p, err := translog.ParsePolicy([]byte(text), tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(tr.prove(4, plain, dated).Text(), entry(4)); err != nil {
		t.Error(err)
	}
	if _, err := p.Verify(tr.prove(4, dated).Text(), entry(4)); err == nil {
		t.Error("without the plain one")
	}
	wrong := tr.prove(4, dated)
	tr.grow(1)
	other := strings.SplitAfter(string(tr.checkpoint(plain)), "\n")
	wrong.Checkpoint = append(wrong.Checkpoint, other[len(other)-2]...)
	if _, err := p.Verify(wrong.Text(), entry(4)); err == nil || !strings.Contains(err.Error(), "plain does not verify") {
		t.Errorf("the plain one of another checkpoint: %v", err)
	}
}

func TestUnknownSignaturesArePassedOverAndNotKept(t *testing.T) {
	keys, tr := witnesses(), newTree(t, 6)
	known, err := translog.ParsePolicy([]byte("witness X "+keys["X1"].vkey()+"\nquorum none\n"), tr.signer.vkey())
	if err != nil {
		t.Fatal(err)
	}
	want := string(tr.checkpoint(keys["X1"]))
	for name, by := range map[string][]*key{
		"none": {keys["X1"]}, "behind": {keys["X1"], keys["X2"], keys["stranger"]}, "before": {keys["Y2"], keys["X1"]}, "twice": {keys["X1"], keys["X1"]},
	} {
		got, err := known.Known(tr.checkpoint(by...))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := known.Known([]byte(strings.Replace(want, origin, "other", 1))); err == nil {
		t.Error("a checkpoint of nobody's was kept")
	}
}

func TestALogsSignatureIsNotAWitness(t *testing.T) {
	tr := newTree(t, 3)
	asWitness := *tr.signer
	asWitness.kind = 4
	text := "log " + tr.signer.vkey() + "\nwitness W " + asWitness.vkey() + "\nquorum W\n"
	if _, err := translog.ParsePolicy([]byte(text)); err == nil || !strings.Contains(err.Error(), "same key twice") {
		t.Fatal(err)
	}
}

func TestPoliciesAreStrict(t *testing.T) {
	k := witnesses()
	log := newKey(origin, 1)
	x1, x2 := k["X1"].vkey(), k["X2"].vkey()
	damaged := []byte(x1)
	damaged[len(damaged)-5] ^= 1
	tests := []struct{ name, text, want string }{
		{"no quorum", "witness A " + x1, "quorum: missing"},
		{"two quorums", "quorum none\nquorum none\n", "a second one"},
		{"unknown quorum", "quorum A\n", "not defined above"},
		{"unknown word", "wintess A " + x1, "line 1"},
		{"log as witness", "log " + log.vkey() + "\nwitness A " + log.vkey(), "same key twice"},
		{"witness of an unknown type", "witness A " + newKey("w", 2).vkey(), "field type: 0x02"},
		{"witness as log", "log " + x1, "field type: 0x04"},
		{"ML-DSA witness", "witness A " + newKey("w", 6).vkey(), "ML-DSA-44 is not supported"},
		{"damaged key", "witness A " + string(damaged), "field id"},
		{"upper-case id", "witness A " + strings.Replace(x1, "+", "+A", 1), "field id"},
		{"key twice", "witness A " + x1 + "\nwitness B " + x1, "line 2: key witness.example/X1: the same key twice"},
		{"name twice", "witness A " + x1 + "\nwitness A " + x2, "defined twice"},
		{"the name none", "witness none " + x1, "none is taken"},
		{"member twice", "witness A " + x1 + "\ngroup G 1 A A", "a member already"},
		{"member of two groups", "witness A " + x1 + "\ngroup G 1 A\ngroup H 1 A", "a member already"},
		{"group of itself", "group G any G", "not defined above"},
		{"threshold 0", "witness A " + x1 + "\ngroup G 0 A", "threshold"},
		{"threshold too high", "witness A " + x1 + "\ngroup G 2 A", "threshold"},
		{"threshold 01", "witness A " + x1 + "\ngroup G 01 A", "threshold"},
		{"empty group", "group G any", "threshold and members"},
		{"carriage return", "quorum none\r\n", "control character"},
		{"too large", strings.Repeat("#", translog.MaxPolicySize+1), "limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := translog.ParsePolicy([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestTheKeyOfTheSpecificationIsRead(t *testing.T) {
	// c2sp.org/signed-note, section "Verifier keys".
	if _, err := translog.NewPolicy("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"); err != nil {
		t.Fatal(err)
	}
}
