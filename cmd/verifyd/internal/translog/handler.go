package translog

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// shutdownTimeout is how long requests in progress may take to end.
const shutdownTimeout = 10 * time.Second

// Handler serves the log to everyone: the checkpoint, the tiles and the entry
// bundles under the paths of c2sp.org/tlog-tiles, for GET and HEAD, and
// nothing else. A path is taken apart and put together again before a file is
// opened, and files are opened below the folder of tiles only. What no
// published checkpoint covers is not served, because it may still change and
// what is served is cached for good.
func (f *Folder) Handler(logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*") // everything here is public
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the log is read-only", http.StatusMethodNotAllowed)
			return
		}
		err := f.serve(w, r)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoEntry) || errors.Is(err, ErrNoCheckpoint):
			h.Set("Cache-Control", "no-store") // it may come to be
			http.Error(w, "not found", http.StatusNotFound)
		case err != nil:
			logger.Error("serving the log", "path", r.URL.Path, "error", err)
			h.Set("Cache-Control", "no-store")
			http.Error(w, "the log cannot be read", http.StatusInternalServerError)
		}
	})
}

// serve answers with the file at a path, or says why not before it has written
// anything.
func (f *Folder) serve(w http.ResponseWriter, r *http.Request) error {
	path, ok := strings.CutPrefix(r.URL.Path, "/")
	if !ok {
		return fs.ErrNotExist
	}
	h := w.Header()
	if path == checkpointName {
		signed, _, err := f.Checkpoint()
		if err != nil {
			return err
		}
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "public, max-age=1")
		h.Set("Content-Length", strconv.Itoa(len(signed)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(signed) // there is nobody to tell if the reader is gone
		}
		return nil
	}
	t, err := parsePath(path)
	if err != nil {
		return fs.ErrNotExist
	}
	_, c, err := f.Checkpoint()
	if err != nil {
		return err
	}
	if end, ok := t.end(); !ok || end > c.Size {
		return ErrNoEntry
	}
	file, err := f.open(t.path())
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fs.ErrNotExist
	}
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// Serve answers requests on a listener until ctx ends, with limits that keep
// slow and greedy readers from holding it up. Requests have no bodies.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           http.MaxBytesHandler(handler, 0),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    8 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // whoever is still reading has had time
	}
	<-ended
	return err
}
