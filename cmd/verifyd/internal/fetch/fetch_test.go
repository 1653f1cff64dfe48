package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var errWrong = errors.New("not the bytes")

// content is what is fetched in tests.
func content() []byte {
	data := make([]byte, 300_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// fetched gets content to a path from servers.
func fetched(t *testing.T, path string, want []byte, urls ...string) error {
	t.Helper()
	g := NewGetter()
	g.Stalled, g.Wait, g.Retries = 5*time.Second, time.Millisecond, 2
	return g.Get(t.Context(), File{Path: path, Size: int64(len(want)), URLs: urls, Check: func(path string) error {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			return errWrong
		}
		return nil
	}})
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/file"
}

// whole serves data, with ranges.
func whole(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f", time.Unix(1, 0), bytes.NewReader(data))
	}
}

// dying serves at most n bytes of each answer.
func dying(data []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &at); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(data)-1, len(data)))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)-at))
		if at > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(data[at:min(at+n, len(data))])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestATransferThatBreaksOffGoesOnWhereItDid(t *testing.T) {
	data := content()
	path := filepath.Join(t.TempDir(), "f")
	if err := fetched(t, path, data, serve(t, dying(data, 70_000))); err != nil {
		t.Fatal(err)
	}
	// A run that ended with the process leaves a part, of which not a byte is asked for again.
	again := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(again+Part, data[:200_000], 0o644); err != nil {
		t.Fatal(err)
	}
	asked := ""
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { asked = r.Header.Get("Range"); whole(data)(w, r) })
	if err := fetched(t, again, data, url); err != nil || asked != "bytes=200000-" {
		t.Errorf("asked for %q: %v", asked, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(again), "*")); len(left) != 1 {
		t.Errorf("%v are there", left)
	}
}

func TestAServerWithoutRangesIsAskedForAll(t *testing.T) {
	data := content()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path+Part, data[:100], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetched(t, path, data, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })); err != nil {
		t.Error(err)
	}
}

func TestTheNextPlaceIsTriedWhereOneHasAnotherFile(t *testing.T) {
	data := content()
	altered := bytes.Clone(data)
	altered[7] ^= 1
	gone := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	path := filepath.Join(t.TempDir(), "f")
	if err := fetched(t, path, data, gone, serve(t, whole(altered)), serve(t, whole(data))); err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftOfAnotherFileAndNoMoreIsStoredThanTheSize(t *testing.T) {
	data := content()
	altered := bytes.Clone(data)
	altered[len(data)-1] ^= 1
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := w.Write(data); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		h     http.HandlerFunc
		words string
	}{
		"one byte":      {whole(altered), "not the bytes"},
		"longer":        {whole(append(bytes.Clone(data), 0)), "300001 bytes, the job has 300000"},
		"shorter":       {whole(data[:10]), "10 bytes, the job has 300000"},
		"endless":       {endless, "over 300000 bytes"},
		"not there":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "404"},
		"breaks always": {dying(data, 0), "EOF"},
		"to itself":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/file", http.StatusFound) }, "redirections"},
	} {
		dir := t.TempDir()
		err := fetched(t, filepath.Join(dir, "f"), data, serve(t, c.h))
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "f")); err == nil {
			t.Errorf("%s: a file is there", name)
		}
		if info, err := os.Stat(filepath.Join(dir, "f"+Part)); err == nil && info.Size() > int64(len(data)) {
			t.Errorf("%s: %d bytes are stored", name, info.Size())
		}
	}
}

func TestNoFileIsReplacedAndNoLinkIsFollowed(t *testing.T) {
	data := content()
	url := serve(t, whole(data))
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "f"), filepath.Join(dir, "victim")
	if err := os.Symlink(victim, path+Part); err != nil {
		t.Fatal(err)
	}
	if err := fetched(t, path, data, url); err == nil {
		t.Error("through a link")
	}
	if _, err := os.Stat(victim); err == nil {
		t.Error("the link was followed")
	}
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetched(t, path, data, url); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	if err := fetched(t, filepath.Join(dir, "g"), data); err == nil {
		t.Error("from nowhere")
	}
}

func TestAServerThatStallsIsGivenUp(t *testing.T) {
	data := content()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(data[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	g := &Getter{Client: NewClient(), Stalled: 20 * time.Millisecond}
	err := g.Get(context.Background(), File{Path: filepath.Join(t.TempDir(), "f"), Size: int64(len(data)), URLs: []string{url}})
	if err == nil || !strings.Contains(err.Error(), "nothing came for 20ms") {
		t.Error(err)
	}
}
