package trace

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

func TestMarksAreFixedForAllTime(t *testing.T) {
	text, err := os.ReadFile("../testdata/marks.txt")
	if err != nil {
		t.Fatal(err)
	}
	b := Bound{Job: merkle.Hash{1, 31: 2}, Assignment: merkle.Hash{3, 31: 4}}
	got := "header " + hex.EncodeToString(b.header()) + "\n" +
		"mark 0 " + hex.EncodeToString(b.mark(0, merkle.Empty())) + "\n" +
		"mark 300 " + hex.EncodeToString(b.mark(300, merkle.Hash{5, 31: 6})) + "\n"
	if _, vectors, ok := strings.Cut(string(text), "\n\n"); !ok || got != vectors {
		t.Errorf("got\n%s", got)
	}
}

func TestATraceLeavesNothingUnfinished(t *testing.T) {
	dir, _ := record(t)
	if _, err := os.Stat(filepath.Join(dir, unfinishedFile)); !os.IsNotExist(err) {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(dir, marksFile))
	if err != nil || info.Size() != int64(marksHeader+3*markSize) { // no final state was written
		t.Errorf("%v bytes, %v", info.Size(), err)
	}
}

func FuzzMarks(f *testing.F) {
	dir, _ := record(f)
	marks, err := os.ReadFile(filepath.Join(dir, marksFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(marks)
	f.Add(marks[:marksHeader+3])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, marksFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Open(dir, shape(t), bound)
		if err != nil {
			return
		}
		defer w.Close()
		kept, err := w.Resume(Source{
			Counters: func(step uint64) state.Counters { return state.Counters{Step: step} },
			Load: func(fill func([][]float32) error) ([]merkle.Hash, error) {
				_, tensors := snapshot(0)
				return make([]merkle.Hash, 2), fill(tensors)
			},
		})
		if err == nil && kept.Steps > 0 {
			t.Fatalf("%d steps are kept whose digests are not those of the leaves", kept.Steps)
		}
	})
}
