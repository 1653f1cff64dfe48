package shapley

import (
	"context"
	"encoding/json"
	"testing"
)

// slow is a game that takes few coalitions at once, and counts them.
type slow struct {
	Func
	most, batches int
}

func (s *slow) AtOnce() int { return 3 }

func (s *slow) Utilities(ctx context.Context, coalitions []Coalition, out []int64) error {
	s.most, s.batches = max(s.most, len(coalitions)), s.batches+1
	return s.Func.Utilities(ctx, coalitions, out)
}

// TestAGameThatTakesFewCoalitionsAtOnceLosesNoMoreWhenItIsInterrupted: what it answered is recorded after each batch, and its result
// is that of any other batches.
func TestAGameThatTakesFewCoalitionsAtOnceLosesNoMoreWhenItIsInterrupted(t *testing.T) {
	f := Func{N: 9, Utility: func(_ context.Context, c Coalition) (int64, error) { return int64(c.Size() * c.Size()), nil }}
	s := &slow{Func: f}
	var recorded []int
	o := Options{Estimator: "permutation", Budget: 4, Sampled: true}
	want, err := Estimate(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Record = func(u []int64) error { recorded = append(recorded, len(u)); return nil }
	got, err := Estimate(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Error("batches show in the result")
	}
	if s.most != 3 || len(recorded) != s.batches {
		t.Errorf("%d at once, %d of %d batches recorded", s.most, len(recorded), s.batches)
	}
}
