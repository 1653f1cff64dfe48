package policy

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

// python is the interpreter. In CI it is there.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("VERIFYD_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

// TestAnotherLanguageReachesTheSameUnits compares with testdata/score.py, which
// was written from SPEC.md: every award, its reason, total and dust.
func TestAnotherLanguageReachesTheSameUnits(t *testing.T) {
	var in bytes.Buffer
	var want []*Sheet
	for seed := range trials() / 8 {
		s := draw(seed)
		want = append(want, score(t, s.p, s.claims))
		document, err := s.p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		claims := make([]map[string]any, 0, len(s.claims))
		for _, c := range s.claims {
			owner := ""
			if (c.Owner != proofs.Hash{}) {
				owner = hex.EncodeToString(c.Owner[:])
			}
			claims = append(claims, map[string]any{
				"worker": hex.EncodeToString(c.Worker[:]), "task": hex.EncodeToString(c.Task[:]), "slot": c.Slot, "owner": owner,
				"kind": c.Verdict.Kind, "reason": c.Verdict.Reason, "withheld": c.Withheld, "void": c.Void, "beacon": c.Beacon.String(),
				"work": wide(c.Work), "improvement": wideSigned(c.Improvement),
				"value": wideSigned(c.Value), "stdErr": wide(c.StdErr), "quality": c.Quality,
			})
		}
		line, err := json.Marshal(map[string]any{"policy": json.RawMessage(document), "claims": claims})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(python(t), "testdata/score.py")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	for seed, sheet := range want {
		var got struct {
			Total, Dust *big.Int
			Awards      map[string][2]json.Number
		}
		if err := answers.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Total.Cmp(wide(sheet.Total)) != 0 || got.Dust.Cmp(wide(sheet.Dust)) != 0 || len(got.Awards) != len(sheet.Awards) {
			t.Fatalf("seed %d: total %s with %s dust, Python has %s with %s", seed, sheet.Total, sheet.Dust, got.Total, got.Dust)
		}
		for _, a := range sheet.Awards {
			key := fmt.Sprintf("%x/%x/%d", a.Worker[:], a.Task[:], a.Slot)
			if have := [2]json.Number{json.Number(a.Units.String()), json.Number(fmt.Sprint(uint16(a.Verdict.Reason)))}; have != got.Awards[key] {
				t.Fatalf("seed %d: %s gets %v, in Python %v", seed, key, have, got.Awards[key])
			}
		}
	}
}
