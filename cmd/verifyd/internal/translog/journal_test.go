package translog

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// written is a segment with frames of the given entries.
func written(t testing.TB, frames ...[]string) []byte {
	t.Helper()
	j := &journal{dir: t.TempDir(), next: 1}
	for _, f := range frames {
		var entries [][]byte
		for _, e := range f {
			entries = append(entries, []byte(e))
		}
		if _, err := j.record(entries); err != nil {
			t.Fatal(err)
		}
	}
	path := j.active.path
	if err := j.end(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func texts(entries [][]byte) (s []string) {
	for _, e := range entries {
		s = append(s, string(e))
	}
	return s
}

func TestTheJournalGivesBackWhatItWasGiven(t *testing.T) {
	data := written(t, []string{"a", "bc"}, []string{strings.Repeat("d", 65535)}, []string{"e"})
	entries, torn, err := readSegment(data)
	if err != nil || torn {
		t.Fatal(torn, err)
	}
	if want := []string{"a", "bc", strings.Repeat("d", 65535), "e"}; !slices.Equal(texts(entries), want) {
		t.Fatalf("got %d entries", len(entries))
	}
}

func TestATornEndLosesOnlyWhatWasNotAcknowledged(t *testing.T) {
	whole := written(t, []string{"a", "b"}, []string{"c"}, []string{"d", "e"})
	one, two := len(written(t, []string{"a", "b"})), len(written(t, []string{"a", "b"}, []string{"c"}))
	for n := range whole {
		entries, torn, err := readSegment(whole[:n])
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
		want := []string{"a", "b", "c"}
		switch {
		case n < one:
			want = nil
		case n < two:
			want = want[:2]
		}
		if !slices.Equal(texts(entries), want) || !torn && n != headerSize && n != one && n != two {
			t.Fatalf("%d of %d bytes: %q, torn %v", n, len(whole), entries, torn)
		}
	}
	// A power cut may keep the length and lose the bytes.
	zeros := slices.Clone(whole)
	clear(zeros[two:])
	if entries, torn, err := readSegment(zeros); err != nil || !torn || len(entries) != 3 {
		t.Fatal(entries, torn, err)
	}
}

func TestDamageBeforeTheEndIsNotATornEnd(t *testing.T) {
	whole := written(t, []string{"a", "b"}, []string{"c"}, []string{"d", "e"})
	last := len(written(t, []string{"a", "b"}, []string{"c"}))
	for i := range whole[:last] {
		bad := slices.Clone(whole)
		bad[i] ^= 0x10
		if entries, torn, err := readSegment(bad); err == nil {
			t.Errorf("byte %d: %q, torn %v", i, entries, torn)
		}
	}
}

func TestAnEntryCannotPassForAFrame(t *testing.T) {
	inner := written(t, []string{"smuggled"})
	data := written(t, []string{"a"}, []string{string(inner[headerSize:])})
	broken := data[:len(data)-1] // the frame around it is torn
	entries, torn, err := readSegment(broken)
	if err != nil || !torn || !slices.Equal(texts(entries), []string{"a"}) {
		t.Fatalf("%q, torn %v, %v", entries, torn, err)
	}
}

func TestSegmentsAreBegunAnewAndForgottenWhenPublished(t *testing.T) {
	j := &journal{dir: t.TempDir(), next: 1}
	big := make([]byte, 65535)
	var segments []*segment
	for i := range 600 { // 39 MB
		s, err := j.record([][]byte{big})
		if err != nil {
			t.Fatal(err)
		}
		j.place(s, 1, int64(i))
		if len(segments) == 0 || segments[len(segments)-1] != s {
			segments = append(segments, s)
		}
	}
	if len(segments) != 3 {
		t.Fatalf("%d segments", len(segments))
	}
	left := func() int {
		n, err := segmentNumbers(j.dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(n)
	}
	for _, step := range []struct {
		published int64
		want      int
	}{{0, 3}, {segments[0].last, 3}, {segments[0].last + 1, 2}, {600, 1}} {
		if err := j.forget(step.published); err != nil {
			t.Fatal(err)
		}
		if left() != step.want {
			t.Fatalf("published %d: %d segments, want %d", step.published, left(), step.want)
		}
	}
	if err := j.close(600); err != nil || left() != 0 {
		t.Fatal(err, left())
	}
}

func TestAStrangeFileInTheJournalIsAnError(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1.wal", "0000000000000001.txt", "notes", "-000000000000001.wal"} {
		path := fmt.Sprintf("%s/%s", dir, name)
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := segmentNumbers(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzReadSegment(f *testing.F) {
	f.Add(written(f, []string{"a", "b"}, []string{"c"}))
	f.Add(append(header([nonceSize]byte{1}), frameMagic+"\x00\x00\x00\x00"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, _, err := readSegment(data)
		size := 0
		for _, e := range entries {
			size += len(e)
		}
		if err == nil && size > len(data) {
			t.Fatal("more than was there")
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"tile/0/000", "tile/entries/x001/x234/067", "tile/63/000.p/255", "tile/1/../../.state/treeState"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePath(s)
		if err != nil {
			return
		}
		if p.path() != s || strings.Contains(s, "..") || strings.HasPrefix(s, "/") {
			t.Fatalf("%q passes", s)
		}
		if end, ok := p.end(); ok && end <= 0 {
			t.Fatalf("%q ends at %d", s, end)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add([]byte("\x00\x01a\x00\x02bc"), 2)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = min(max(n, 0), tileWidth)
		entries, err := parseBundle(data, n)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = append(again, byte(len(e)>>8), byte(len(e)))
			again = append(again, e...)
		}
		if len(entries) != n || !bytes.Equal(data, again) {
			t.Fatal("not what was there")
		}
	})
}
