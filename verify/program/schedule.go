package program

import (
	"errors"

	"github.com/verifyd/verifyd/verify/fault"
)

// Schedule is the learning rate as a closed form of the step, so that any step can be replayed alone.
// During the first Warmup steps the rate is Rate*(t+1)/Warmup; or during the first Ramp steps, which begin at a part of the rate
// that may be nothing, Rate*(From + (1-From)*(t/Ramp)). After them, with W of either kind and u = t-W:
//
//	constant     Rate
//	linear       Floor + (Rate-Floor)*(1-v),               v = min(u, Steps-W)/(Steps-W)
//	cosine       Floor + (Rate-Floor)*((1+cos(pi*v))/2),   v as above
//	step         Rate*Factor^(u div Every)
//	exponential  Rate*Factor^u
//
// All of it in binary64, every operation rounded, cos and powers by the pages of this package; the
// result is rounded to binary32 once.
type Schedule struct {
	Kind   string  `json:"kind"`             // "constant", "linear", "cosine", "step" or "exponential"
	Rate   float64 `json:"rate"`             // highest rate
	Warmup uint64  `json:"warmup,omitempty"` // steps of linear warm-up, the last of them at the highest rate
	Ramp   uint64  `json:"ramp,omitempty"`   // steps of linear warm-up, the one behind them at the highest rate
	From   float64 `json:"from,omitempty"`   // with Ramp: part of the rate at step 0
	Steps  uint64  `json:"steps,omitempty"`  // linear, cosine: the step at which Floor is reached
	Floor  float64 `json:"floor,omitempty"`  // linear, cosine: rate from then on
	Every  uint64  `json:"every,omitempty"`  // step: steps between two reductions
	Factor float64 `json:"factor,omitempty"` // step, exponential: what the rate is multiplied by
}

// The kinds of schedule.
const (
	Constant    = "constant"
	LinearDecay = "linear"
	CosineDecay = "cosine"
	StepDecay   = "step"
	Exponential = "exponential"
)

// MaxSteps is the largest step number plus one: counters stay exact in binary64 and in Philox.
const MaxSteps = 1 << 32

func (s Schedule) check() error {
	if err := errors.Join(nonNegative("schedule: rate", s.Rate), nonNegative("schedule: floor", s.Floor)); err != nil {
		return err
	}
	if s.Warmup > MaxSteps || s.Ramp > MaxSteps || s.Steps > MaxSteps || s.Every > MaxSteps {
		return outOfRange("schedule", "warmup, ramp, steps and every are at most %d", uint64(MaxSteps))
	}
	decays := s.Kind == LinearDecay || s.Kind == CosineDecay
	powers := s.Kind == StepDecay || s.Kind == Exponential
	switch {
	case !decays && !powers && s.Kind != Constant:
		return fault.New(fault.Unsupported, "", "schedule: kind", "%.64q is not constant, linear, cosine, step or exponential", s.Kind)
	case s.Warmup > 0 && s.Ramp > 0:
		return outOfRange("schedule", "warmup and ramp: one of them")
	case s.Ramp == 0 && s.From != 0:
		return outOfRange("schedule", "from belongs to ramp")
	case !(s.From >= 0 && s.From <= 1):
		return outOfRange("schedule: from", "%v is outside 0 to 1", s.From)
	case decays && s.Steps <= s.warmed():
		return outOfRange("schedule: steps", "%d must be above warmup or ramp, %d", s.Steps, s.warmed())
	case decays && s.Floor > s.Rate:
		return outOfRange("schedule: floor", "%v is above rate, %v", s.Floor, s.Rate)
	case !decays && (s.Steps != 0 || s.Floor != 0):
		return outOfRange("schedule", "steps and floor belong to linear and cosine")
	case powers && !(s.Factor > 0 && s.Factor <= 1):
		return outOfRange("schedule: factor", "%v is outside (0, 1]", s.Factor)
	case !powers && s.Factor != 0:
		return outOfRange("schedule", "factor belongs to step and exponential")
	case s.Kind == StepDecay && s.Every == 0:
		return outOfRange("schedule: every", "0 is below 1")
	case s.Kind != StepDecay && s.Every != 0:
		return outOfRange("schedule", "every belongs to step")
	}
	return nil
}

// warmed is the number of steps of its warm-up.
func (s Schedule) warmed() uint64 { return s.Warmup + s.Ramp }

// At is the learning rate of step t.
func (s Schedule) At(t uint64) float32 {
	switch {
	case t < s.Warmup:
		return float32(float64(s.Rate*float64(t+1)) / float64(s.Warmup))
	case t < s.Ramp:
		f := s.From + float64((1-s.From)*float64(float64(t)/float64(s.Ramp)))
		return float32(s.Rate * f)
	}
	u := t - s.warmed()
	switch s.Kind {
	case LinearDecay:
		v := s.progress(u)
		return float32(s.Floor + float64((s.Rate-s.Floor)*(1-v)))
	case CosineDecay:
		v := float64((1 + cosPi(s.progress(u))) * 0.5)
		return float32(s.Floor + float64((s.Rate-s.Floor)*v))
	case StepDecay:
		return float32(s.Rate * power(s.Factor, u/s.Every))
	case Exponential:
		return float32(s.Rate * power(s.Factor, u))
	}
	return float32(s.Rate)
}

// progress is how far a decay has come after u steps, from 0 to 1.
func (s Schedule) progress(u uint64) float64 {
	span := s.Steps - s.warmed()
	return float64(min(u, span)) / float64(span)
}
