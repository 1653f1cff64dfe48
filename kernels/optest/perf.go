package optest

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

// Perf writes one line an operator: the median time of a run on b, and with it the memory traffic
// (each operand once, twice if it is updated) and the rate of floating-point operations.
func Perf(w io.Writer, b Backend) error {
	machine, err := reference()
	if err != nil {
		return err
	}
	defer machine.Close()
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "%s\ttime\tops/s\tGB/s\tGFLOP/s\n", b.Name())
	for _, e := range table() {
		c := Case{Op: e.perf, Data: Normal, entry: &e}
		if !b.Supports(c.Op) {
			continue
		}
		bufs, err := c.buffers(CPU(machine))
		if err != nil {
			return fmt.Errorf("%v: %w", c, err)
		}
		took, err := median(b, c.Op, bufs)
		if err != nil {
			return fmt.Errorf("%v: %w", c, err)
		}
		seconds := took.Seconds()
		fmt.Fprintf(tab, "%v\t%v\t%.0f\t%.2f", c, took.Round(time.Microsecond), 1/seconds, traffic(c.Op)/seconds/1e9)
		if e.flops > 0 {
			fmt.Fprintf(tab, "\t%.1f", e.flops/seconds/1e9)
		}
		fmt.Fprintln(tab)
	}
	return tab.Flush()
}

// median times runs for about 50 ms, at least 5 of them, after one that does not count.
func median(b Backend, op kernels.Operator, bufs []kernels.Buf) (time.Duration, error) {
	var times []time.Duration
	for total := time.Duration(0); len(times) < 6 || total < 50*time.Millisecond; {
		start := time.Now()
		if err := b.Run(op, bufs); err != nil {
			return 0, err
		}
		took := time.Since(start)
		times = append(times, took)
		total += took
	}
	times = times[1:]
	slices.Sort(times)
	return times[len(times)/2], nil
}

// traffic is the number of bytes that op must at least read and write.
func traffic(op kernels.Operator) float64 {
	words := 0
	for _, o := range op.Operands() {
		words += o.Len
		if o.Access == kernels.InOut {
			words += o.Len
		}
	}
	return 4 * float64(words)
}
