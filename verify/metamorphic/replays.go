package metamorphic

import (
	"context"
	"crypto"
	"sync"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// replays are those of one case, segment by segment.
type replays struct {
	*verify.Case
	how     Configuration
	machine crypto.Signer // signs results

	verifier merkle.Hash // whose imprints they hold

	mu      sync.Mutex
	results []verify.Result  // in the order in which they came
	errs    map[uint64]error // of segments that cannot be replayed
}

// apart replays what the walk needs in any order, some at a time, and then what must be confirmed.
func (r *replays) apart(ctx context.Context, c *Claim) (*verify.Verdict, error) {
	if v, err := c.conclude(r.Case, nil); err == nil {
		return v, nil // the leaves alone show it
	}
	if v, err := r.Silence(c.now); err == nil {
		return v, nil
	}
	r.errs = map[uint64]error{}
	for {
		missing, confirm, err := r.Left(r.results)
		switch {
		case err != nil:
			return nil, err
		case len(missing) == 0 && confirm == nil:
			return c.conclude(r.Case, r.results)
		case len(missing) == 0:
			result, err := r.on(ctx, confirm.Segment, besides(r.how.Devices, confirm.Path))
			if err != nil {
				return nil, err
			}
			r.results = append(r.results, result)
		case r.errs[missing[0]] != nil:
			return nil, r.errs[missing[0]]
		default:
			r.beside(ctx, missing)
		}
	}
}

// beside replays segments, some at a time.
func (r *replays) beside(ctx context.Context, segments []uint64) {
	var group sync.WaitGroup
	free := make(chan struct{}, r.how.Beside)
	for _, at := range r.how.Order {
		if at >= len(segments) {
			continue
		}
		free <- struct{}{}
		group.Go(func() {
			r.replay(ctx, segments[at], at)
			<-free
		})
	}
	group.Wait()
}

// replay replays a segment on the first device that serves, perhaps on one of another code path besides.
func (r *replays) replay(ctx context.Context, segment uint64, turn int) {
	devices := turned(r.how.Devices, turn)
	path := ""
	for {
		result, err := r.on(ctx, segment, besides(devices, path))
		r.mu.Lock()
		if err != nil {
			r.errs[segment] = err
		} else {
			r.results = append(r.results, result)
		}
		r.mu.Unlock()
		if err != nil || !r.how.Twice || path != "" {
			return
		}
		path = result.Path
	}
}

// on replays a segment on the first device that serves, and stores and reads the result.
func (r *replays) on(ctx context.Context, segment uint64, devices []engine.Device) (result verify.Result, err error) {
	err = served(devices, func(d engine.Device) error {
		result, err = r.Replay(ctx, segment, d, r.verifier)
		return err
	})
	if err != nil {
		return verify.Result{}, err
	}
	return r.stored(result)
}

// begin is a process that ends after some results.
func (r *replays) begin(ctx context.Context) []verify.Result {
	for range r.how.After {
		missing, mismatch, err := r.Left(r.results)
		if err != nil || len(missing) == 0 && mismatch == nil {
			break // whoever goes on finds the same
		}
		devices := r.how.Devices
		if len(missing) == 0 {
			missing, devices = []uint64{mismatch.Segment}, besides(devices, mismatch.Path)
		}
		result, err := r.on(ctx, missing[0], devices)
		if err != nil {
			break
		}
		r.results = append(r.results, result)
	}
	return r.results
}

// stored is a result after it was written down and read again.
func (r *replays) stored(result verify.Result) (verify.Result, error) {
	switch r.how.Stored {
	case Plain:
		data, err := document.Encode(result)
		if err != nil {
			return verify.Result{}, err
		}
		return document.Decode[verify.Result]("result.json", data)
	case Signed:
		machine, err := verifytest.KeyOf(r.machine)
		if err != nil {
			return verify.Result{}, err
		}
		data, err := result.Sign(r.machine)
		if err != nil {
			return verify.Result{}, err
		}
		return verify.ReadResult("result.json", data, machine)
	}
	return result, nil
}

// turned begins with another device.
func turned(devices []engine.Device, by int) []engine.Device {
	by %= len(devices)
	return append(append([]engine.Device(nil), devices[by:]...), devices[:by]...)
}

// besides are the devices of other code paths than one.
func besides(devices []engine.Device, path string) (others []engine.Device) {
	for _, d := range devices {
		if d.Path() != path {
			others = append(others, d)
		}
	}
	return others
}
