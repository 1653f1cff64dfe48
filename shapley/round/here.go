package round

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/program"
)

// here scores on this machine's processor, where updates are summed as they lie: a machine for each thread.
type here struct {
	all  []*evaluator
	free chan *evaluator
}

func newHere(cpu *kernels.CPU, g *Game, graph program.Graph) (*here, error) {
	plan, err := evaluation(g.round.Program, graph, chunkOf(g.layout.rows, chunkRows))
	if err != nil {
		return nil, err
	}
	if g.first != nil {
		if err := g.first.multiply(cpu, &g.round); err != nil {
			return nil, err
		}
	}
	h := &here{free: make(chan *evaluator, cpu.Threads())}
	for range cpu.Threads() {
		e, err := newEvaluator(cpu, g, plan)
		if err != nil {
			return nil, err
		}
		h.all = append(h.all, e)
		h.free <- e
	}
	return h, nil
}

// scores evaluates as many coalitions at a time as there are threads.
func (h *here) scores(ctx context.Context, coalitions []shapley.Coalition, out []int64, rows [][]int64) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(len(h.all), len(coalitions)) {
		group.Go(func() error {
			var e *evaluator
			select {
			case e = <-h.free:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { h.free <- e }()
			for k := next.Add(1) - 1; k < int64(len(coalitions)); k = next.Add(1) - 1 {
				var each []int64
				if rows != nil {
					each = rows[k]
				}
				var err error
				if out[k], err = e.of(ctx, coalitions[k], each); err != nil {
					return fmt.Errorf("coalition %d: %w", k, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (h *here) close(context.Context) error {
	for _, e := range h.all {
		e.cpu.Close()
	}
	return nil
}
