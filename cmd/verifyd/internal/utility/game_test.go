package utility

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/shapley"
)

// process is one that lives in the test: what it does to a question it does by write.
func process(t *testing.T, hello string, write func(q question, out io.Writer)) *Conn {
	t.Helper()
	questions, ask := io.Pipe()
	answers, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, hello)
		s := bufio.NewScanner(questions)
		s.Buffer(nil, 16<<20)
		for s.Scan() {
			var q question
			if err := json.Unmarshal(s.Bytes(), &q); err != nil {
				t.Error(err)
			}
			if write == nil {
				break
			}
			write(q, out)
		}
		_ = out.Close()
	}()
	t.Cleanup(func() { _ = ask.Close(); _ = answers.Close() })
	return Pipe(answers, ask)
}

// sizes answers with a tenth of a coalition's size.
func sizes(q question, out io.Writer) {
	var u []string
	for _, c := range q.Coalitions {
		u = append(u, fmt.Sprintf("0.%d", sizeOf(c)))
	}
	fmt.Fprintf(out, "{\"answer\": %d, \"utilities\": [%s]}\n", q.Ask, strings.Join(u, ", "))
}

func sizeOf(c string) (n int) {
	b, err := hex.DecodeString(c)
	if err != nil {
		panic(err)
	}
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return n
}

const five = `{"verifyd-utility": 1, "players": 5, "names": ["ann", "bob", "cy", "di", "ed"], "batch": 3}` + "\n"

func play(t *testing.T, c *Conn, o Options, budget int) (*shapley.Result, error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	g, err := Open(ctx, c, o)
	if err != nil {
		return nil, err
	}
	seed := shapley.DeriveSeed([32]byte{7}, g.Root())
	g.Begin(seed, nil)
	return shapley.Estimate(ctx, g, shapley.Options{Estimator: "permutation", Budget: budget, Seed: seed, Sampled: true})
}

func TestAProcessPlaysAsAFunctionDoes(t *testing.T) {
	got, err := play(t, process(t, five, sizes), Options{Again: 4}, 3)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(t.Context(), process(t, five, sizes), Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := shapley.Func{N: 5, Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		return int64(c.Size()) * shapley.Unit / 10, nil
	}}
	want, err := shapley.Estimate(t.Context(), f, shapley.Options{Estimator: "permutation", Budget: 3, Seed: shapley.DeriveSeed([32]byte{7}, g.Root()), Sampled: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := json.Marshal(got)
	b, errB := json.Marshal(want)
	if err = errors.Join(err, errB); err != nil || string(a) != string(b) {
		t.Errorf("%s\n%s, %v", a, b, err)
	}
	if strings.Join(g.Names(), " ") != "ann bob cy di ed" {
		t.Error(g.Names())
	}
}

// TestAHostileProcessEndsTheGameWithOneError holds each misdeed against its kind and words, and all to be over soon.
func TestAHostileProcessEndsTheGameWithOneError(t *testing.T) {
	to := func(format string, after int) func(question, io.Writer) {
		return func(q question, out io.Writer) {
			if int(q.Ask) < after {
				sizes(q, out)
				return
			}
			_, _ = io.WriteString(out, strings.ReplaceAll(format, "ASK", fmt.Sprint(q.Ask)))
		}
	}
	last := 0
	flood := func(_ question, out io.Writer) {
		for range 1 << 20 {
			if _, err := io.WriteString(out, strings.Repeat("9", 1<<16)); err != nil {
				return
			}
		}
		last++
	}
	for what, c := range map[string]struct {
		hello string
		write func(question, io.Writer)
		kind  Kind
		words string
	}{
		"no hello":               {"", nil, Stalled, "no answer for"},
		"a hello of nobody":      {`{"verifyd-utility": 1, "players": 0}` + "\n", nil, Protocol, "players: 0 is outside 1 to"},
		"another version":        {`{"verifyd-utility": 2, "players": 5}` + "\n", nil, Protocol, "version 2, 1 is needed"},
		"unknown fields":         {`{"verifyd-utility": 1, "players": 5, "code": 1}` + "\n", nil, Protocol, "unknown field"},
		"names twice":            {`{"verifyd-utility": 1, "players": 2, "names": ["a", "a"]}` + "\n", nil, Protocol, "names[1]"},
		"names that are no text": {`{"verifyd-utility": 1, "players": 1, "names": ["\u001b[2J"]}` + "\n", nil, Protocol, "names[0]"},
		"too many players":       {`{"verifyd-utility": 1, "players": 1048577}` + "\n", nil, Protocol, "1 to 1048576"},
		"bounds of nothing":      {`{"verifyd-utility": 1, "players": 5, "bounds": [1, 1]}` + "\n", nil, Protocol, "is no range"},
		"null nobody":            {`{"verifyd-utility": 1, "players": 5, "null": [5]}` + "\n", nil, Protocol, "null: player 5 of 5"},
		"no JSON":                {"hello\n", nil, Protocol, "first line"},
		"an end at once":         {five, nil, Ended, "closed its output"},
		"an end in a line":       {five, func(q question, out io.Writer) { _, _ = io.WriteString(out, `{"answer":`); _ = out.(io.Closer).Close() }, Ended, "closed"},
		"a stall":                {five, func(question, io.Writer) {}, Stalled, "no answer for"},
		"a flood":                {five, flood, Protocol, "too long: over the limit of"},
		"prose":                  {five, to("loading model ...\n", 2), Protocol, `"loading model ..." is no answer`},
		"another question":       {five, to(`{"answer": 7, "utilities": [0]}`+"\n", 0), Protocol, "an answer to question 7, question 0 was asked"},
		"no question":            {five, to(`{"utilities": [0]}`+"\n", 0), Protocol, "without a number"},
		"the answer before":      {five, to(`{"answer": 0, "utilities": [0, 0.5]}`+"\n", 1), Protocol, "an answer to question 0, question 1 was asked"},
		"too few":                {five, to(`{"answer": ASK, "utilities": [0]}`+"\n", 0), Length, "1 utilities for 2 coalitions"},
		"too many":               {five, to(`{"answer": ASK, "utilities": [0,1,2,3]}`+"\n", 0), Length, "4 utilities for 2 coalitions"},
		"NaN":                    {five, to(`{"answer": ASK, "utilities": [0, NaN]}`+"\n", 0), NotFinite, "coalition {ann, bob, cy, di, ed}, 5 players: NaN is not finite"},
		"quoted infinity":        {five, to(`{"answer": ASK, "utilities": ["-Infinity", 1]}`+"\n", 0), NotFinite, "coalition {}, 0 players: -Infinity"},
		"text":                   {five, to(`{"answer": ASK, "utilities": [0, "good"]}`+"\n", 0), BadNumber, `"good" is no decimal number`},
		"null in its place":      {five, to(`{"answer": ASK, "utilities": [0, null]}`+"\n", 0), BadNumber, "is no decimal number"},
		"beyond the scale":       {five, to(`{"answer": ASK, "utilities": [0, 1e9]}`+"\n", 0), TooLarge, "overflows the scale"},
		"far beyond":             {five, to(`{"answer": ASK, "utilities": [0, 1e9999]}`+"\n", 0), TooLarge, "overflows the scale"},
		"outside its bounds":     {strings.Replace(five, `"batch"`, `"bounds": [0, 0.3], "batch"`, 1), sizes, TooLarge, "0.500000000 is outside the bounds that were declared, 0.000000000 to 0.300000000"},
		"its own error":          {five, to(`{"answer": ASK, "error": "ValueError: one class", "coalition": 0}`+"\n", 0), Raised, "coalition {}, 0 players: ValueError: one class"},
		"an error of nobody":     {five, to(`{"answer": ASK, "error": "no memory"}`+"\n", 0), Raised, "utility: no memory"},
		"an error of another":    {five, to(`{"answer": ASK, "error": "x", "coalition": 2}`+"\n", 0), Protocol, "said to be to blame"},
		"two documents":          {five, to(`{"answer": ASK, "utilities": [0, 1]} {}`+"\n", 0), Protocol, "something follows its end"},
	} {
		began := time.Now()
		_, err := play(t, process(t, c.hello, c.write), Options{Patience: 2 * time.Second, Again: 32}, 3)
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, want kind %s and %q", what, err, c.kind, c.words)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %v", what, took)
		}
	}
	if last > 0 {
		t.Error("a flood was read to its end")
	}
}

func TestAUtilityThatIsLeftToChanceIsFound(t *testing.T) {
	calls := 0
	drifts := func(q question, out io.Writer) {
		var u []string
		for range q.Coalitions {
			calls++
			u = append(u, fmt.Sprintf("0.%06d", calls))
		}
		fmt.Fprintf(out, "{\"answer\": %d, \"utilities\": [%s]}\n", q.Ask, strings.Join(u, ", "))
	}
	for _, batch := range []string{"1", "3", "4096"} {
		calls = 0
		_, err := play(t, process(t, strings.Replace(five, `"batch": 3`, `"batch": `+batch, 1), drifts), Options{Again: 32}, 50)
		var e *Error
		if !errors.As(err, &e) || e.Kind != Differs || e.Coalition == nil || calls > 20 && batch != "4096" {
			t.Errorf("batch %s: %v after %d calls", batch, err, calls)
		}
	}
	if _, err := play(t, process(t, five, drifts), Options{}, 50); err != nil {
		t.Errorf("where nothing is asked twice: %v", err)
	}
}

// TestWhatIsAskedAgainIsAsManyAsPromised counts how many coalitions more a process is asked for.
func TestWhatIsAskedAgainIsAsManyAsPromised(t *testing.T) {
	asked := 0
	count := func(q question, out io.Writer) { asked += len(q.Coalitions); sizes(q, out) }
	res, err := play(t, process(t, strings.Replace(five, `"batch": 3`, `"batch": 16`, 1), count), Options{Again: 32}, 2000)
	if err != nil {
		t.Fatal(err)
	}
	share := float64(asked-int(res.Evaluations)) / float64(res.Evaluations)
	if share < 0.02 || share > 0.05 {
		t.Errorf("%d for %d: a share of %.3f", asked, res.Evaluations, share)
	}
}

func TestAResumedRunAsksForWhatItKnowsAtOnce(t *testing.T) {
	g, err := Open(t.Context(), process(t, five, sizes), Options{Again: 32})
	if err != nil {
		t.Fatal(err)
	}
	g.Begin(shapley.Seed{1}, []int64{0, 400_000_000}) // everybody had 0.4 before, and has 0.5 now
	c := shapley.NewCoalition(5)
	c.Add(2)
	err = g.Utilities(t.Context(), []shapley.Coalition{c}, make([]int64, 1))
	if err == nil || !strings.Contains(err.Error(), "0.500000000 now, 0.400000000 before") {
		t.Error(err)
	}
	if again := g.Utilities(t.Context(), []shapley.Coalition{c}, make([]int64, 1)); again == nil {
		t.Error("a game that ended goes on")
	}
}

func TestAGameThatIsCalledOffWaitsForNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g, err := Open(ctx, process(t, five, func(question, io.Writer) { cancel() }), Options{})
	if err != nil {
		t.Fatal(err)
	}
	g.Begin(shapley.Seed{}, nil)
	if err := g.Utilities(ctx, []shapley.Coalition{shapley.NewCoalition(5)}, make([]int64, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTheRootIsOfAllThatIsDeclared(t *testing.T) {
	seen := map[string]string{}
	for _, hello := range []string{
		`"players": 2`, `"players": 3`, `"players": 2, "names": ["a", "b"]`, `"players": 2, "bounds": [0, 1]`, `"players": 2, "bounds": [0, 2]`,
		`"players": 2, "null": [1]`, `"players": 2, "identity": "x"`,
	} {
		g, err := Open(t.Context(), process(t, `{"verifyd-utility": 1, `+hello+"}\n", sizes), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[g.Root().String()]; ok {
			t.Errorf("%s has the root of %s", hello, before)
		}
		seen[g.Root().String()] = hello
	}
	a, errA := Open(t.Context(), process(t, `{"verifyd-utility": 1, "players": 2, "batch": 9}`+"\n", sizes), Options{})
	if errA != nil || seen[a.Root().String()] == "" {
		t.Error("the batch shows in the root")
	}
}
