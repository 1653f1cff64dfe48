package shapley

import (
	"context"
	"errors"
	"fmt"
	"math/big"
)

// Audit is the outcome of checking a result against its transcript.
type Audit struct {
	Leaves  uint64   `json:"leaves"`  // utilities of the transcript
	Checked uint64   `json:"checked"` // of them recomputed
	Wrong   []uint64 `json:"wrong"`   // leaves whose utility is another one
	// Missed is, for tampering with each share of the leaves, the probability that none was among those
	// checked.
	Missed []Missed `json:"missed"`
}

// Missed is the probability, rounded up to 1e-9, that a sample misses a share of altered leaves.
type Missed struct {
	Altered     uint64 `json:"altered"`     // leaves
	Probability string `json:"probability"` // decimal
}

// ErrTranscript says that a transcript does not lead to the result that it is said to explain.
var ErrTranscript = errors.New("transcript does not lead to the result")

// Check recomputes a result. All arithmetic is done again from the utilities of the transcript, without the
// game; then checks leaves, drawn from the randomness, are computed again by the game. The randomness must
// come from a beacon published after the result. The control variate is that of the run, nil without one.
// An error says that the arithmetic is wrong or that the
// check could not be made; altered utilities are in Audit.Wrong.
func Check(ctx context.Context, g Game, control *Control, res *Result, utilities []int64, randomness [32]byte, checks uint64) (*Audit, error) {
	if uint64(len(utilities)) != res.Evaluations {
		return nil, fmt.Errorf("%w: %d utilities, %d evaluations stated", ErrTranscript, len(utilities), res.Evaluations)
	}
	total := uint64(len(utilities))
	checks = min(checks, total)
	at := sample(randomness, total, checks)
	var coalitions []Coalition
	var claimed []int64
	var indices []uint64
	o := Options{
		Estimator: res.Estimator, Budget: res.Budget, Seed: res.Seed, Level: res.Level, Target: res.Target, Sampled: res.Sampled,
		Tolerance: res.Tolerance, Alpha: res.Alpha, Beta: res.Beta, Control: control, Known: utilities,
	}
	o.visit = func(index uint64, c Coalition, u int64) {
		if at[index] {
			indices, coalitions, claimed = append(indices, index), append(coalitions, c.Clone()), append(claimed, u)
		}
	}
	again, err := Estimate(ctx, closed{Declared{g, FactsOf(g)}}, o)
	if errors.Is(err, errClosed) {
		return nil, fmt.Errorf("%w: the estimator needs utilities that it does not hold", ErrTranscript)
	}
	if err != nil {
		return nil, err
	}
	if field := again.differs(res); field != "" {
		return nil, fmt.Errorf("%w: %s", ErrTranscript, field)
	}
	a := &Audit{Leaves: total, Checked: checks}
	truth := make([]int64, len(coalitions))
	for lo := 0; lo < len(truth); lo += askedAtOnce {
		hi := min(lo+askedAtOnce, len(truth))
		if err := g.Utilities(ctx, coalitions[lo:hi], truth[lo:hi]); err != nil {
			return nil, err
		}
	}
	for k, u := range truth {
		if u != claimed[k] {
			a.Wrong = append(a.Wrong, indices[k])
		}
	}
	for _, share := range []uint64{1000, 100, 20, 10} {
		altered := max(1, total/share)
		if n := len(a.Missed); n > 0 && a.Missed[n-1].Altered == altered {
			continue
		}
		a.Missed = append(a.Missed, Missed{altered, missed(total, checks, altered)})
	}
	return a, nil
}

// differs names the first field in which two results differ.
func (r *Result) differs(other *Result) string {
	switch {
	case r.Players != other.Players:
		return "players"
	case r.Empty != other.Empty:
		return "empty"
	case r.Full != other.Full:
		return "full"
	case r.Transcript != other.Transcript:
		return "transcript"
	case len(r.Values) != len(other.Values):
		return "values"
	case r.Residual.Rat().Cmp(other.Residual.Rat()) != 0:
		return "residual"
	case !r.Facts.equal(other.Facts):
		return "bounds or null"
	case r.Interval != other.Interval:
		return "interval"
	case !equal(r.StdErr, other.StdErr):
		return "std_err"
	case !equal(r.HalfWidth, other.HalfWidth):
		return "half_width"
	case r.Samples != other.Samples:
		return "samples"
	}
	for i, v := range r.Values {
		if v.Rat().Cmp(other.Values[i].Rat()) != 0 {
			return fmt.Sprintf("values[%d]", i)
		}
	}
	return ""
}

func equal(a, b []uint64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// sample is k of n indices, without repetition (Floyd's method).
func sample(randomness [32]byte, n, k uint64) map[uint64]bool {
	chosen := make(map[uint64]bool, k)
	r := Seed(randomness).stream(forAudit, 0)
	for j := n - k; j < n; j++ {
		if t := r.below64(j + 1); !chosen[t] {
			chosen[t] = true
		} else {
			chosen[j] = true
		}
	}
	return chosen
}

// missed is C(n-altered, k)/C(n, k), rounded up to nine digits.
func missed(n, k, altered uint64) string {
	if k > n-altered {
		return "0.000000000"
	}
	// The product of (n-altered-i)/(n-i), in binary fixed point, rounded up.
	const scale = 128
	p := new(big.Int).Lsh(big.NewInt(1), scale)
	for i := range k {
		p.Mul(p, new(big.Int).SetUint64(n-altered-i))
		d := new(big.Int).SetUint64(n - i)
		p.Add(p, new(big.Int).Sub(d, big.NewInt(1))).Div(p, d)
	}
	p.Mul(p, big.NewInt(Unit))
	p.Add(p, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), scale), big.NewInt(1))).Rsh(p, scale)
	q, m := new(big.Int).DivMod(p, big.NewInt(Unit), new(big.Int))
	return fmt.Sprintf("%d.%09d", q, m)
}

// closed is a game that nobody may ask.
type closed struct{ Declared }

var errClosed = errors.New("no such utility in the transcript")

func (c closed) Utilities(context.Context, []Coalition, []int64) error { return errClosed }
