package data

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// gigabytes is the size of the stream of tokens that memory must not grow with. `make data` takes 100.
var gigabytes = flag.Float64("data.gigabytes", 0.25, "size of the sparse file")

// anonymous is what this process holds in memory that no file backs, in bytes.
func anonymous(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatal("no RssAnon in /proc/self/status")
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// TestDataLargerThanMemoryAreNotHeldInIt commits to a sparse file of u16 tokens and takes samples of it, as training does.
func TestDataLargerThanMemoryAreNotHeldInIt(t *testing.T) {
	dir := t.TempDir()
	path, index := filepath.Join(dir, "train.bin"), filepath.Join(dir, "train.bin.index")
	size := int64(*gigabytes*1e9) / 2 * 2
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	f, err := Open([]string{path}, Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 1024, Stride: 1024}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before, began := anonymous(t), time.Now()
	if err := f.WriteIndex(context.Background(), index, nil); err != nil {
		t.Fatal(err)
	}
	committed := time.Since(began)
	if err := f.TakeIndex(index); err != nil {
		t.Fatal(err)
	}
	opened := time.Since(began) - committed
	d, err := f.Dataset()
	if err != nil {
		t.Fatal(err)
	}
	if want := (size/2-1025)/1024 + 1; int64(d.Samples()) != want {
		t.Errorf("%d samples, want %d", d.Samples(), want)
	}
	layout := d.Layout()
	batch, hasher, leaves, ids := layout.Batch(64), layout.Hasher(), make([]merkle.Hash, 64), make([]int64, 64)
	j := job.Job{Data: d.Data()}
	order := j.OrderFor(job.Assignment{})
	for step := range uint64(50) {
		if err := order.Fill(step, ids); err != nil {
			t.Fatal(err)
		}
		if err := d.Read(batch, ids); err != nil {
			t.Fatal(err)
		}
		for i := range leaves {
			leaves[i] = hasher.Leaf(batch, i)
		}
		if err := d.Check(leaves, ids); err != nil {
			t.Fatal(err)
		}
	}
	proof, err := d.AppendProof(nil, uint64(ids[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := merkle.Verify(d.Root(), uint64(d.Samples()), uint64(ids[0]), leaves[0], proof); err != nil {
		t.Error(err)
	}
	grown := anonymous(t) - before
	info, err := os.Stat(index)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f GB in %v, %.2f GB/s; index of %d bytes, taken up in %v; %d MB more of anonymous memory",
		float64(size)/1e9, committed.Round(time.Millisecond), float64(size)/1e9/committed.Seconds(), info.Size(), opened.Round(time.Millisecond), grown>>20)
	if grown > 256<<20 {
		t.Errorf("%d MB more of anonymous memory", grown>>20)
	}
}

func TestMoreSamplesThanAJobMayHaveAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "train.bin")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for samples, words := range map[int64]string{job.MaxRows + 1: "4294967297 samples, 1 to 4294967296", MaxUnindexed + 1: "of which an index is needed"} {
		if err := os.Truncate(path, 2*(samples+1)); err != nil { // sparse
			t.Fatal(err)
		}
		f, err := Open([]string{path}, Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 1, Stride: 1}})
		if err == nil {
			err = f.Commit(context.Background(), nil)
			f.Close()
		}
		if fault.Of(err) != fault.TooLarge || !strings.Contains(err.Error(), words) {
			t.Errorf("%d: %v", samples, err)
		}
	}
}
