package translog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

// remote reads the log of the tests behind a server.
func remote(t testing.TB, url string, timeout time.Duration) *translog.Reader {
	t.Helper()
	r, err := translog.Remote{URL: url, Key: signer(t, "log").Key(), Timeout: timeout}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// walk reads a log to its end. No entry that is handed out on the way is another one than was appended.
func walk(t testing.TB, r *translog.Reader) (n int, err error) {
	t.Helper()
	for e, err := range r.Entries(0) {
		if err != nil {
			return n, err
		}
		if !bytes.Equal(e, entry(n)) {
			t.Fatalf("entry %d is %q", n, e)
		}
		n++
	}
	return n, nil
}

func TestALogIsReadOverHTTPAsItLiesInItsFolder(t *testing.T) {
	dir := newLog(t)
	closeLog(t, open(t, dir)) // publishes the first checkpoint
	f := must(translog.OpenFolder(dir))
	defer f.Close()
	var mu sync.Mutex
	asked := map[string]int{}
	var past [][]byte // checkpoints
	handler := f.Handler(slog.New(slog.DiscardHandler))
	server := httptest.NewServer(http.StripPrefix("/some/pool", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		mu.Unlock()
		handler.ServeHTTP(w, r)
	})))
	defer server.Close()
	for _, size := range []int{1, 255, 256, 257, 600, 70_000} {
		l := open(t, dir)
		if _, err := l.Append(t.Context(), entries(0, size)...); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
		clear(asked)
		r := remote(t, server.URL+"/some/pool/", time.Minute)
		for name, reader := range map[string]*translog.Reader{"folder": f.Reader, "server": r} {
			if n, err := walk(t, reader); n != size || err != nil {
				t.Errorf("%s of %d: %d entries, %v", name, size, n, err)
			}
		}
		for path, n := range asked {
			if n > 1 {
				t.Errorf("of %d: %s was asked for %d times", size, path, n)
			}
		}
		for i, signed := range past { // by now without the partial tiles that it was published with
			n := 0
			for e, err := range r.EntriesUnder(signed, 0) {
				if err != nil || !bytes.Equal(e, entry(n)) {
					t.Fatalf("of %d, under checkpoint %d, entry %d: %q, %v", size, i, n, e, err)
				}
				n++
			}
			if c := must(proof.ParseCheckpoint(signed)); int64(n) != c.Size {
				t.Errorf("of %d, under checkpoint %d: %d entries", size, i, n)
			}
		}
		signed, _, err := r.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		past = append(past, signed)
		if !bytes.Equal(must(r.Proof(int64(size-1))), must(f.Proof(int64(size-1)))) || !bytes.Equal(must(r.Consistency(1)), must(f.Consistency(1))) {
			t.Errorf("of %d: the proofs differ", size)
		}
	}
}

// hostile serves a log of 600 entries, but for what answer answers first.
func hostile(t testing.TB, answer func(w http.ResponseWriter, path string, honest []byte) bool) string {
	t.Helper()
	dir := newLog(t)
	l := open(t, dir)
	if _, err := l.Append(t.Context(), entries(0, 600)...); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		file, err := os.ReadFile(filepath.Join(dir, "tiles", filepath.FromSlash(path)))
		if err == nil && answer(w, path, file) {
			return
		}
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(file)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAHostileServerIsOneClearErrorAndAltersNoEntry(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		fmt.Fprint(w, "welcome")
	}))
	defer other.Close()
	flipped := func(file []byte) []byte {
		file[len(file)-1] ^= 1
		return file
	}
	send := func(change func(file []byte) []byte) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, file []byte) { _, _ = w.Write(change(file)) }
	}
	status := func(code int) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, _ []byte) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		path   string // of the file that it answers falsely
		answer func(w http.ResponseWriter, file []byte)
		want   string
	}{
		"a wrong tile of entries":     {"tile/entries/001", send(flipped), "tile/entries/001: the log is unsound: entry 511 is not the one that the checkpoint signs"},
		"a wrong tile of hashes":      {"tile/0/001", send(flipped), "tile/entries/001: the tiles of hashes above it: downloaded inconsistent tile"},
		"a wrong tile above those":    {"tile/1/000.p/2", send(flipped), "tile/entries/000: the tiles of hashes above it: downloaded inconsistent tile"},
		"a wrong tile at the edge":    {"tile/entries/002.p/88", send(flipped), "tile/entries/002.p/88: "},
		"a short tile of entries":     {"tile/entries/001", send(func(f []byte) []byte { return f[:len(f)-1] }), "tile/entries/001: entry 255: 9 bytes, only 8 there"},
		"a tile of entries that ends": {"tile/entries/001", send(func(f []byte) []byte { return f[:11*10] }), "tile/entries/001: entry 10 of 256 is missing"},
		"no entries":                  {"tile/entries/001", send(func([]byte) []byte { return nil }), "tile/entries/001: entry 0 of 256 is missing"},
		"a long tile of entries":      {"tile/entries/001", send(func(f []byte) []byte { return append(f, 0) }), "tile/entries/001: 1 bytes behind the last of 256 entries"},
		"a short tile of hashes":      {"tile/0/001", send(func(f []byte) []byte { return f[:32] }), "tile/0/001: 32 bytes, want 8192"},
		"a long tile of hashes":       {"tile/0/001", send(func(f []byte) []byte { return append(f, 0) }), "/tile/0/001: more than 8192 bytes, which is the limit"},
		"an answer that is cut off": {"tile/entries/001", func(w http.ResponseWriter, f []byte) {
			w.Header().Set("Content-Length", strconv.Itoa(len(f)))
			_, _ = w.Write(f[:100])
		}, "/tile/entries/001: the answer ends after 100 bytes, before its end"},
		"an endless answer": {"tile/entries/001", func(w http.ResponseWriter, _ []byte) {
			for block := make([]byte, 1<<16); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "/tile/entries/001: more than 16777472 bytes, which is the limit"},
		"an endless checkpoint": {"checkpoint", func(w http.ResponseWriter, _ []byte) {
			for block := make([]byte, 1<<16); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "/checkpoint: more than 98304 bytes, which is the limit"},
		"an answer that says it is huge": {"tile/0/001", func(w http.ResponseWriter, f []byte) {
			w.Header().Set("Content-Length", strconv.Itoa(1<<40))
			_, _ = w.Write(f)
		}, "/tile/0/001: 1099511627776 bytes, the limit is 8192"},
		"endless headers": {"tile/0/001", func(w http.ResponseWriter, f []byte) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			_, _ = w.Write(f)
		}, "net/http: server response headers exceeded 65536 bytes"},
		"a redirect to elsewhere": {"tile/entries/001", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Location", other.URL)
			w.WriteHeader(http.StatusFound)
		}, `/tile/entries/001: the server answers 302, with a redirect to "` + other.URL + `", which is not followed`},
		"a slow body": {"tile/entries/001", func(w http.ResponseWriter, f []byte) {
			for i := range f {
				if _, err := w.Write(f[i : i+1]); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "/tile/entries/001: no whole answer within 2s"},
		"a slow answer": {"tile/entries/001", func(http.ResponseWriter, []byte) { time.Sleep(3 * time.Second) }, "/tile/entries/001: no whole answer within 2s"},
		"a compressed tile": {"tile/entries/001", func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"))
		}, "tile/entries/001: entry 0: 8075 bytes, only 8 there"},
		"a tile that is gone":    {"tile/entries/001", status(http.StatusNotFound), "/tile/entries/001: the server answers 404: file does not exist"},
		"a server that fails":    {"tile/0/001", status(http.StatusInternalServerError), "/tile/0/001: the server answers 500"},
		"no checkpoint":          {"checkpoint", status(http.StatusNotFound), ": the log has published no checkpoint yet"},
		"a checkpoint of nobody": {"checkpoint", send(flipped), "checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lies atomic.Int64
			url := hostile(t, func(w http.ResponseWriter, path string, file []byte) bool {
				if path != c.path {
					return false
				}
				lies.Add(1)
				c.answer(w, slices.Clone(file))
				return true
			})
			timeout := time.Minute
			if strings.HasPrefix(name, "a slow") {
				timeout = 2 * time.Second
			}
			n, err := walk(t, remote(t, url, timeout))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("%d entries, %v", n, err)
			}
			if n%256 != 0 || lies.Load() == 0 {
				t.Errorf("%d entries of a tile that is refused were handed out; %d lies", n, lies.Load())
			}
		})
	}
	t.Cleanup(func() {
		if n := elsewhere.Load(); n > 0 {
			t.Errorf("a redirect was followed %d times", n)
		}
	})
}

func TestAServerCannotServeOneLogsEntriesUnderAnothersCheckpoint(t *testing.T) {
	dir := newLog(t)
	l := open(t, dir)
	if _, err := l.Append(t.Context(), entries(1000, 1600)...); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	url := hostile(t, func(w http.ResponseWriter, path string, _ []byte) bool {
		if path == "checkpoint" {
			return false
		}
		file, err := os.ReadFile(filepath.Join(dir, "tiles", filepath.FromSlash(path)))
		if err != nil {
			return false
		}
		_, _ = w.Write(file)
		return true
	})
	if n, err := walk(t, remote(t, url, time.Minute)); n != 0 || err == nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestALogThatWasRewrittenHasNotGrown(t *testing.T) {
	published := func(entries ...[]byte) (dir string, signed []byte) {
		dir = newLog(t)
		l := open(t, dir)
		if _, err := l.Append(t.Context(), entries...); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
		return dir, must(os.ReadFile(filepath.Join(dir, "tiles", "checkpoint")))
	}
	_, before := published(entries(0, 300)...)
	honest, now := published(entries(0, 600)...)
	rewritten, other := published(append([][]byte{[]byte("another past")}, entries(1, 600)...)...)
	_, same := published(append([][]byte{[]byte("another past")}, entries(1, 300)...)...)
	for name, c := range map[string]struct {
		dir         string
		before, now []byte
		want        error
	}{
		"grown":                        {honest, before, now, nil},
		"the same":                     {honest, now, now, nil},
		"rewritten":                    {rewritten, before, other, proof.ErrInconsistent},
		"rewritten and not grown":      {rewritten, now, other, proof.ErrInconsistent},
		"grown from another past":      {honest, same, now, proof.ErrInconsistent},
		"tiles that are not the log's": {honest, before, other, errors.ErrUnsupported},
		"cut":                          {honest, now, before, errors.ErrUnsupported},
		"a checkpoint of nobody":       {honest, append(slices.Clone(before[:len(before)-9]), "AAAAAAA=\n"...), now, errors.ErrUnsupported},
	} {
		f := must(translog.OpenFolder(c.dir))
		server := httptest.NewServer(f.Handler(slog.New(slog.DiscardHandler)))
		for _, r := range []*translog.Reader{f.Reader, remote(t, server.URL, time.Minute)} {
			switch err := r.Grew(c.before, c.now); {
			case (err == nil) != (c.want == nil), errors.Is(c.want, proof.ErrInconsistent) != errors.Is(err, proof.ErrInconsistent):
				t.Errorf("%s: %v", name, err)
			}
		}
		server.Close()
		f.Close()
	}
}

func TestAURLThatIsNoLogsIsRefusedBeforeItIsAsked(t *testing.T) {
	key := signer(t, "log").Key()
	for _, url := range []string{"", "example.com/pool", "ftp://example.com/pool", "file:///etc", "http://", "https://example.com/pool?x=1", "https://example.com/pool#x", "https://exa mple.com/", "https://u:secret@example.com/%zz"} {
		_, err := translog.Remote{URL: url, Key: key, Timeout: time.Second}.Open(t.Context())
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := (translog.Remote{URL: "https://example.com/pool", Key: "x", Timeout: time.Second}).Open(t.Context()); err == nil {
		t.Error("a key that is none is taken")
	}
	// Nobody listens, and a password is not repeated.
	_, _, err := remote(t, "http://u:secret@127.0.0.1:1/pool", time.Second).Checkpoint()
	if err == nil || !strings.HasPrefix(err.Error(), "http://u:xxxxx@127.0.0.1:1/pool/checkpoint: ") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}
