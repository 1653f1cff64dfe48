package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/utility"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/fault"
)

func TestAnErrorSaysItsKindItsPlaceAndItsLimitToPrograms(t *testing.T) {
	for _, c := range []struct {
		err  error
		want failure
	}{
		{fault.New(fault.BadForm, "X.csv", "", "line 3 (row 1): column 2 (age): missing"), failure{Kind: "bad-form", File: "X.csv", Field: "line 3 (row 1): column 2 (age)"}},
		{fault.New(fault.OutOfRange, "p.json", "metrics.value.lo", "7 is outside 0 to 5"), failure{Kind: "out-of-range", File: "p.json", Field: "metrics.value.lo", Limit: "0 to 5"}},
		{errors.New("rows: 0 is outside 1 to 268435456"), failure{Kind: "refused", Field: "rows", Limit: "1 to 268435456"}},
		{errors.New("over the limit of 80 bytes"), failure{Kind: "refused", Limit: "80"}},
		{usageError{errors.New("--budget 7: no")}, failure{Kind: "usage", Field: "--budget"}},
		{hint(errors.New("x"), "do y"), failure{Kind: "refused", Hint: "do y"}},
		{fmt.Errorf("exact: %w", &utility.Error{Kind: utility.Raised, Coalition: shapley.Coalition{5}, Reason: "no"}), failure{Kind: "utility-raised", Members: []int{0, 2}, About: true}},
		{&utility.Error{Kind: utility.Ended, Reason: "gone"}, failure{Kind: "utility-ended"}},
	} {
		got := failureOf(c.err, exitError)
		c.want.Message, c.want.Exit = strings.TrimPrefix(c.err.Error(), "exact: "), exitError
		a, errA := json.Marshal(got)
		b, errB := json.Marshal(c.want)
		if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s, want %s, %v", a, b, err)
		}
	}
}

// TestEveryMessageForProgramsIsADocumentOfItsOwnLine whatever a command has to say: notes, progress, warnings and errors.
func TestEveryMessageForProgramsIsADocumentOfItsOwnLine(t *testing.T) {
	for _, args := range [][]string{
		{"value", "nonsense"}, {"--nonsense"}, {"value", "knn", "--train", "a", "--test", "b", "--column", "c", "-k", "1", "--device", "cpu"},
		{"value", "estimators", "extra"}, {"value", "utility", "--estimator", "exact"}, {"--device", "nowhere", "version"},
	} {
		var out, messages bytes.Buffer
		if Main(append([]string{"--messages", "json"}, args...), &out, &messages) == 0 {
			t.Errorf("%v: exit code 0", args)
		}
		failed := 0
		for line := range strings.Lines(messages.String()) {
			var m map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Errorf("%v: %q: %v", args, line, err)
			}
			if m["error"] != nil {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%v: %d errors: %s", args, failed, messages.String())
		}
	}
}
