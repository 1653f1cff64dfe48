package bench

import (
	"fmt"
	"time"
)

// Sample is one timed run of a contender.
type Sample struct {
	Wall time.Duration // elapsed
	CPU  time.Duration // user and system time of the contender's process
	// Device is the time between two events on a GPU; 0 if nothing was asked of one.
	Device time.Duration
}

// and is s with the time of n more runs that took as long as o.
func (s Sample) and(n int, o Sample) Sample {
	more := time.Duration(n)
	return Sample{Wall: s.Wall + more*o.Wall, CPU: s.CPU + more*o.CPU, Device: s.Device + more*o.Device}
}

// Contender is one side of a comparison. Run does the work once and returns its time.
type Contender struct {
	Name string
	Run  func() (Sample, error)
}

// Alternate runs the contenders in turn, rounds times, after warm unrecorded rounds. Every second round
// goes backwards, so that none always follows the same neighbour. It returns the samples of each.
// settle is slept before each run: OpenMP and BLAS workers spin for a while after their last piece of
// work, and would take a core from whoever comes next.
func Alternate(rounds, warm int, settle time.Duration, contenders ...Contender) ([][]Sample, error) {
	samples := make([][]Sample, len(contenders))
	for round := range warm + rounds {
		for turn := range contenders {
			i := turn
			if round%2 == 1 {
				i = len(contenders) - 1 - turn
			}
			time.Sleep(settle)
			s, err := contenders[i].Run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].Name, err)
			}
			if round >= warm {
				samples[i] = append(samples[i], s)
			}
		}
	}
	return samples, nil
}

// timed returns the time that work takes, divided by reps, the number of times that it says to do it.
func timed(reps int, work func() error) (Sample, error) {
	cpu := processTime()
	start := time.Now()
	for range reps {
		if err := work(); err != nil {
			return Sample{}, err
		}
	}
	wall := time.Since(start)
	cpu = processTime() - cpu
	return Sample{Wall: wall / time.Duration(reps), CPU: cpu / time.Duration(reps)}, nil
}
