package program

import (
	"errors"

	"github.com/verifyd/verifyd/verify/fault"
)

// Schedule is the learning rate as a closed form of the step, so that any step can be replayed alone.
// During the first Warmup steps the rate is Rate*(t+1)/Warmup. After them, with u = t-Warmup:
//
//	constant     Rate
//	linear       Floor + (Rate-Floor)*(1-v),               v = min(u, Steps-Warmup)/(Steps-Warmup)
//	cosine       Floor + (Rate-Floor)*((1+cos(pi*v))/2),   v as above
//	step         Rate*Factor^(u div Every)
//	exponential  Rate*Factor^u
//
// All of it in binary64, every operation rounded, cos and powers by the pages of this package; the
// result is rounded to binary32 once.
type Schedule struct {
	Kind   string  `json:"kind"`             // "constant", "linear", "cosine", "step" or "exponential"
	Rate   float64 `json:"rate"`             // highest rate
	Warmup uint64  `json:"warmup,omitempty"` // steps of linear warm-up
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
	if s.Warmup > MaxSteps || s.Steps > MaxSteps || s.Every > MaxSteps {
		return outOfRange("schedule", "warmup, steps and every are at most %d", uint64(MaxSteps))
	}
	decays := s.Kind == LinearDecay || s.Kind == CosineDecay
	powers := s.Kind == StepDecay || s.Kind == Exponential
	switch {
	case !decays && !powers && s.Kind != Constant:
		return fault.New(fault.Unsupported, "", "schedule: kind", "%.64q is not constant, linear, cosine, step or exponential", s.Kind)
	case decays && s.Steps <= s.Warmup:
		return outOfRange("schedule: steps", "%d must be above warmup, %d", s.Steps, s.Warmup)
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

// At is the learning rate of step t.
func (s Schedule) At(t uint64) float32 {
	if t < s.Warmup {
		return float32(float64(s.Rate*float64(t+1)) / float64(s.Warmup))
	}
	u := t - s.Warmup
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
	span := s.Steps - s.Warmup
	return float64(min(u, span)) / float64(span)
}
