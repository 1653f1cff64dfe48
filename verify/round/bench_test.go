package round

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// finalsOf10M leaves the finals of so many workers on a model of some ten million parameters, trained without momentum.
func finalsOf10M(b *testing.B, workers int) (*Books, []Final) {
	b.Helper()
	p := &program.Program{
		Version: program.Version, BatchSize: 2, Accumulation: 1,
		Graph: program.MLP(program.MLPConfig{Inputs: 1000, Hidden: []int{3000, 2300}, Classes: 10}), Loss: program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.1},
	}
	spec := must(engine.NewSpec(p, kernels.ProfileF32, 0))(b)
	books := &Books{dir: b.TempDir(), spec: spec, Base: some(b, p), Round: &Round{Rule: rules[0]}}
	if err := os.Mkdir(filepath.Join(books.dir, FinalsDir), 0o755); err != nil {
		b.Fatal(err)
	}
	tensors, hasher := tensorsLike(spec.State.Tensors()), state.NewHasher(spec.State, 2)
	var finals []Final
	for w := range workers {
		for i, x := range tensors {
			for k := range x {
				x[k] = float32((k*31+i+w*7)%1013-500) / 4096
			}
		}
		claim := merkle.Hash{byte(w), 1}
		f := must(os.Create(filepath.Join(books.dir, FinalsDir, claim.String()+tensorsSuffix)))(b)
		if err := state.Write(f, spec.State, state.Counters{}, tensors); err != nil {
			b.Fatal(err)
		}
		f.Close()
		finals = append(finals, Final{Claim: claim, Final: hasher.Root(state.Counters{}, tensors), Weight: uint64(w + 1)})
	}
	return books, finals
}

// BenchmarkThirtyTwoFinals compares the mean of 32 finals with reading their files.
func BenchmarkThirtyTwoFinals(b *testing.B) {
	books, finals := finalsOf10M(b, 32)
	total := 0.0
	for _, f := range finals {
		total += float64(f.Weight)
	}
	next := tensorsLike(books.spec.Plan.Base())
	bytes := int64(len(finals)) * books.spec.State.Bytes()
	b.Run("read", func(b *testing.B) {
		b.SetBytes(bytes)
		for range b.N {
			for _, f := range finals {
				file := must(os.Open(filepath.Join(books.dir, FinalsDir, f.Claim.String()+tensorsSuffix)))(b)
				must(io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{bufio.NewReaderSize(file, 1<<17)}))(b)
				file.Close()
			}
		}
	})
	b.Run("hash", func(b *testing.B) { // and refuse what is not finite: what any reader of a claimed state does
		b.SetBytes(bytes)
		for range b.N {
			all := must(openSources(books.dir, finals, books.spec.State, merkle.Hash{}))(b)
			for _, spec := range books.spec.State.Tensors() {
				for n := spec.Len(); n > 0; n -= min(n, piece) {
					if err := all.read(b.Context(), min(n, piece), 1); err != nil {
						b.Fatal(err)
					}
				}
			}
			all.close()
		}
	})
	for _, threads := range []int{1, 2, 8} {
		b.Run(fmt.Sprintf("mean/%d", threads), func(b *testing.B) {
			b.SetBytes(bytes)
			books.threads = threads
			for range b.N {
				if err := books.add(b.Context(), finals, total, next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
