package valuation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/merkle"
)

// glove is a game of three: a left glove is worth something with either of two right ones.
func glove(t testing.TB) shapley.Table {
	t.Helper()
	g, err := shapley.NewTable([]int64{0, 0, 0, 600, 0, 600, 0, 600})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func runOf(estimator string, budget int) Run {
	return Run{Version: GameVersion, Kind: "table", Root: merkle.Hash{1}, Source: Research, Randomness: merkle.Hash{2}, Way: Way{Estimator: estimator, Budget: budget},
		Players: []string{"left", "right", "other"}}
}

func TestAFolderHoldsAllThatAnAuditNeeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	c, err := Estimate(context.Background(), dir, runOf("exact", 0), glove(t), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := c.Result.Values[0].Rat(); v.RatString() != "400" {
		t.Errorf("the left glove is worth %s, want 400", v.RatString())
	}
	a, _, err := Audit(context.Background(), dir, glove(t), merkle.Hash{1}, nil, merkle.Hash{3}, 100)
	if err != nil || len(a.Wrong) != 0 || a.Checked != 10 {
		t.Errorf("%+v, %v", a, err)
	}
	if _, _, err := Audit(context.Background(), dir, glove(t), merkle.Hash{9}, nil, merkle.Hash{3}, 100); err == nil {
		t.Error("the certificate of another game passes")
	}
}

func TestARunThatFailsLeavesNoCertificateAndGoesOnWithTheSameBytes(t *testing.T) {
	whole, broken := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	run := runOf("permutation", 12)
	if _, err := Estimate(context.Background(), whole, run, glove(t), nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	asked := 0
	failure := errors.New("power cut")
	fails := shapley.Func{N: 3, Threads: 1, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		if asked++; asked > 9 {
			return 0, failure
		}
		return glove(t)[c[0]], nil
	}}
	if _, err := Estimate(context.Background(), broken, run, fails, nil, nil, nil); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if _, err := ReadCertificate(broken); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a certificate of a run that failed: %v", err)
	}
	again, err := Estimate(context.Background(), broken, run, glove(t), nil, nil, nil)
	if err != nil || again.Resumed == 0 {
		t.Fatalf("%+v, %v", again, err)
	}
	for _, file := range []string{GameFile, UtilitiesFile, CertificateFile} {
		a, err := os.ReadFile(filepath.Join(whole, file))
		b, berr := os.ReadFile(filepath.Join(broken, file))
		if err != nil || berr != nil || !slices.Equal(a, b) {
			t.Errorf("%s differs: %v, %v", file, err, berr)
		}
	}
	if _, err := Estimate(context.Background(), broken, runOf("permutation", 13), glove(t), nil, nil, nil); err == nil {
		t.Error("a finished run is overwritten")
	}
}

func TestCertificatesThatDoNotHangTogetherAreRefused(t *testing.T) {
	c, err := Estimate(context.Background(), "", runOf("exact", 0), glove(t), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseCertificate("c", data); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(string) string{
		"something follows": func(s string) string { return s + "{}" },
		"unknown field":     func(s string) string { return strings.Replace(s, `"kind"`, `"sort"`, 1) },
		"verifyd-game/1":    func(s string) string { return strings.Replace(s, GameVersion, "verifyd-game/2", 1) },
		"is no fraction":    func(s string) string { return strings.Replace(s, `"denominator":"1"`, `"denominator":"0"`, 1) },
		"its estimator":     func(s string) string { return strings.Replace(s, `"estimator":"exact"`, `"estimator":"loo"`, 1) },
		"are named":         func(s string) string { return strings.Replace(s, `"left",`, ``, 1) },
		"missing or of":     func(s string) string { return strings.Replace(s, shapley.ResultVersion, "x", 1) },
	} {
		if _, err := ParseCertificate("c", []byte(change(string(data)))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestWhoIsJoinedInACertificateIsAPlayerAndInOneCluster(t *testing.T) {
	for _, joined := range [][][]int{{{0, 3}}, {{2, 1}}, {{0, 1}, {1, 2}}, {{-1, 0}}} {
		c, err := Estimate(t.Context(), "", runOf("exact", 0), glove(t), nil, func(shapley.Seed) (*Extra, error) { return &Extra{Joined: joined}, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseCertificate("c", must(json.Marshal(c.Certificate))(t)); err == nil || !strings.Contains(err.Error(), "c: robust: groups[") {
			t.Errorf("%v: %v", joined, err)
		}
	}
}

func FuzzCertificate(f *testing.F) {
	c, err := Estimate(context.Background(), "", runOf("antithetic", 4), glove(f), nil, func(shapley.Seed) (*Extra, error) {
		return &Extra{Second: &Second{Values: []int64{1, 2, 3}}, ValidationError: []uint64{4, 5, 6}, Drawn: &Drawn{3, 9}, Joined: [][]int{{0, 2}}}, nil
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(c.Certificate)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	r := newRig(f)
	g := must(r.play(f, r.files))(f)
	r.certify(f, g)
	f.Add(must(os.ReadFile(filepath.Join(r.folder, CertificateFile)))(f))
	f.Add([]byte(`{"result":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCertificate("c", data)
		if err != nil {
			return
		}
		for _, v := range c.Result.Values { // what is accepted can be used
			v.Rat()
		}
		c.Result.Fixed()
		Doubts(c)
		if c.Claimed == nil {
			return
		}
		if len(c.Claimed.List.Claims) != len(c.Result.Values) {
			t.Fatal("a claim without a value")
		}
		if _, _, err := Divided(c, &c.Claimed.List); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzClaims(f *testing.F) {
	r := newRig(f)
	f.Add(r.signed)
	f.Add(bytes.Replace(r.signed, []byte("keyid"), []byte("keyId"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, digest, err := ReadClaims("claims.json", data, r.key)
		if err == nil && (digest != r.digest || !slices.Equal(c.Claims, r.list.Claims)) {
			t.Fatal("a list that nobody signed")
		}
	})
}

func TestAHistoryEndsWithTheResult(t *testing.T) {
	run := runOf("antithetic", 20)
	run.Players = make([]string, 10)
	size := shapley.Func{N: 10, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		return int64(c.Size() * c.Size() * c.Size()), nil
	}}
	c, err := Estimate(context.Background(), "", run, size, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := History(context.Background(), c, 5)
	if err != nil {
		t.Fatal(err)
	}
	last := h[len(h)-1]
	if len(h) > 5 || last.Budget != 20 || last.Transcript != c.Result.Transcript || h[0].Budget >= last.Budget {
		t.Errorf("%d results, the last of a budget of %d", len(h), last.Budget)
	}
	if c, err = Estimate(context.Background(), "", runOf("antithetic", 20), glove(t), nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if h, err := History(context.Background(), c, 5); err != nil || len(h) != 1 || h[0] != c.Result {
		t.Errorf("%d results of values that were enumerated, %v", len(h), err)
	}
}

func TestACertificateNamesWhoWasIsolatedAndAnotherListIsNotItsOwn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	found := &Extra{Isolated: []round.Isolated{{Player: 1, Reason: round.ReasonStep}}}
	_, err := Estimate(t.Context(), dir, runOf("exact", 0), glove(t), nil, func(shapley.Seed) (*Extra, error) { return found, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadCertificate(dir)
	if err != nil || !c.Extra.Equal(found) {
		t.Fatalf("%+v, %v", c, err)
	}
	fitted := &Extra{Drawn: &Drawn{3, 9}, Joined: [][]int{{0, 2}}}
	for _, other := range []*Extra{{}, {Drawn: fitted.Drawn}, {Joined: fitted.Joined}, {Drawn: &Drawn{4, 9}, Joined: fitted.Joined}, {Drawn: fitted.Drawn, Joined: [][]int{{1, 2}}}} {
		if fitted.Equal(other) || other.Equal(fitted) {
			t.Errorf("%+v passes for %+v", other, fitted)
		}
	}
	for _, other := range []*Extra{{}, {Isolated: []round.Isolated{{Player: 0, Reason: round.ReasonStep}}}, {Isolated: []round.Isolated{{Player: 1, Reason: round.ReasonLoss}}}} {
		if c.Extra.Equal(other) {
			t.Errorf("%+v passes for %+v", other, found)
		}
	}
}
