package demo

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAFolderOfSomeoneElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(theirs, []byte("years of work"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := makeFolder(dir); !errors.Is(err, ErrNotOurs) {
		t.Errorf("got %v, want ErrNotOurs", err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
}

func TestAFolderOfOurOwnIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "demo")
	for range 2 {
		if err := makeFolder(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "mlp", "old"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := makeFolder(dir); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
}
