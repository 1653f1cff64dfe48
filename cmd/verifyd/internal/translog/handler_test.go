package translog_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/tessera/client"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

// served is a log of n entries behind a server.
func served(t *testing.T, n int) (dir string, server *httptest.Server) {
	t.Helper()
	dir = newLog(t)
	l := open(t, dir)
	if _, err := l.Append(t.Context(), entries(0, n)...); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(f.Handler(slog.New(slog.DiscardHandler)))
	t.Cleanup(func() { server.Close(); f.Close() })
	return dir, server
}

// get asks for a path exactly as it is written, without cleaning it.
func get(t *testing.T, server *httptest.Server, method, path string) (status int, h http.Header, body []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	defer rec.Body.Close()
	body, err = io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rec.StatusCode, rec.Header, body
}

func TestAStrangersClientReadsTheLog(t *testing.T) {
	_, server := served(t, 600)
	root, err := url.Parse(server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewHTTPFetcher(root, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	builder, err := client.NewProofBuilder(t.Context(), 600, c.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := c.ReadCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint64{0, 255, 256, 599} {
		path, err := builder.InclusionProof(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		p := &proof.Proof{Index: int64(i), Checkpoint: signed}
		for _, h := range path {
			p.Path = append(p.Path, [32]byte(h))
		}
		if _, err := proof.Verify(p.Text(), signer(t, "log").Key(), entry(int(i))); err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	bundle, err := client.GetEntryBundle(t.Context(), c.ReadEntryBundle, 2, 600)
	if err != nil || len(bundle.Entries) != 88 || !bytes.Equal(bundle.Entries[87], entry(599)) {
		t.Error(len(bundle.Entries), err)
	}
}

func TestCachesKeepTilesAndNotTheCheckpoint(t *testing.T) {
	_, server := served(t, 300)
	for _, tt := range []struct{ path, kind, cache string }{
		{"/checkpoint", "text/plain; charset=utf-8", "public, max-age=1"},
		{"/tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"},
		{"/tile/0/001.p/44", "application/octet-stream", "public, max-age=31536000, immutable"},
		{"/tile/entries/001.p/44", "application/octet-stream", "public, max-age=31536000, immutable"},
		{"/tile/1/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			status, h, body := get(t, server, method, tt.path)
			if status != 200 || h.Get("Content-Type") != tt.kind || h.Get("Cache-Control") != tt.cache || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: %d %v", method, tt.path, status, h)
			}
			if (len(body) > 0) != (method == "GET") {
				t.Errorf("%s %s: body of %d bytes", method, tt.path, len(body))
			}
		}
	}
	if status, h, _ := get(t, server, "GET", "/tile/0/002"); status != 404 || h.Get("Cache-Control") != "no-store" {
		t.Errorf("what may come to be: %d %v", status, h)
	}
}

func TestNothingButTheTreeIsServed(t *testing.T) {
	dir, server := served(t, 300)
	secret := filepath.Join(dir, "tiles", "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "tiles", "tile", "0", "000.p", "7")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/", "/secret", "/.state/treeState", "/.state/version", "/tile", "/tile/", "/tile/0", "/tile/0/", "/tile/0/000.p", "/tile/0/000.p/7",
		"/../log.pub", "/..%2flog.pub", "/tile/../secret", "/tile/0/../../secret", "/%2e%2e/log.pub", "/tile/0/..%2f..%2fsecret", "//checkpoint",
		"/checkpoint/", "/Checkpoint", "/tile/entries/000%00", "/lock", "/journal/", "/tile/0/x000/000", "/tile/0/000/../000",
	} {
		status, _, body := get(t, server, "GET", path)
		if status == 200 || bytes.Contains(body, []byte("secret")) {
			t.Errorf("%s: %d, %d bytes", path, status, len(body))
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		if status, h, _ := get(t, server, method, "/checkpoint"); status != 405 || h.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, status)
		}
	}
}

func TestWhatIsNotPublishedIsNotServed(t *testing.T) {
	dir, server := served(t, 300)
	// A crash left a tile of a tree that was never signed: another may take its place.
	full, err := os.ReadFile(filepath.Join(dir, "tiles", "tile", "0", "000"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tiles", "tile", "0", "001.p", "45"), full[:45*32], 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/tile/0/001.p/45": 404, "/tile/0/001.p/44": 200, "/tile/1/000.p/2": 404, "/tile/0/001": 404} {
		if status, _, _ := get(t, server, "GET", path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
}

func TestTheServerEndsWithItsContext(t *testing.T) {
	dir, _ := served(t, 1)
	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- translog.Serve(ctx, listener, f.Handler(slog.New(slog.DiscardHandler))) }()
	reply, err := http.Get("http://" + listener.Addr().String() + "/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(reply.Body)
	reply.Body.Close()
	if !strings.HasPrefix(string(text), origin+"\n1\n") {
		t.Fatalf("%q", text)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("still serving")
	}
	if _, err := http.Get("http://" + listener.Addr().String() + "/checkpoint"); err == nil || errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
