package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/verifyd/verifyd/verify/fault"
)

// Part ends the name of a file that is not all there.
const Part = ".part"

// File is what is fetched.
type File struct {
	Path string   // that it gets; nothing may be there
	Size int64    // in bytes
	URLs []string // tried in turn
	// Check says whether the file that was fetched to a path is the right one.
	Check func(path string) error
	// Progress, if set, is called with the bytes that are there.
	Progress func(done int64)
}

// Getter fetches files.
type Getter struct {
	Client  *http.Client  // NewClient's
	Stalled time.Duration // without a byte, until a transfer counts as broken
	Retries int           // broken transfers in a row that brought nothing, until the next URL is tried
	Wait    time.Duration // before each of them
}

// NewGetter returns a getter for the open web.
func NewGetter() *Getter {
	return &Getter{Client: NewClient(), Stalled: time.Minute, Retries: 3, Wait: 2 * time.Second}
}

// NewClient returns a client that follows few redirections, none of them from https to http.
func NewClient() *http.Client {
	return &http.Client{CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("more than 5 redirections")
		}
		if via[len(via)-1].URL.Scheme == "https" && to.URL.Scheme != "https" {
			return errors.New("redirected from https to " + to.URL.Scheme)
		}
		return nil
	}}
}

// errOther is of a server that has another file, so that trying again is of no use.
var errOther = errors.New("another file")

// Get fetches a file. What was fetched and is not right is removed; what broke off stays, for the next call to go on.
func (g *Getter) Get(ctx context.Context, f File) error {
	if _, err := os.Lstat(f.Path); err == nil {
		return fmt.Errorf("%s: %w", f.Path, fs.ErrExist)
	}
	if len(f.URLs) == 0 {
		return fault.New(fault.Missing, f.Path, "", "nowhere to fetch it: the job has no urls")
	}
	var errs error
	for _, url := range f.URLs {
		err := g.from(ctx, &f, url)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		errs = errors.Join(errs, fmt.Errorf("%s: %w", url, err))
	}
	return fmt.Errorf("%s: %w", f.Path, errs)
}

// from fetches a file from one place.
func (g *Getter) from(ctx context.Context, f *File, url string) error {
	for failed := 0; ; {
		before := f.there()
		err := g.transfer(ctx, f, url)
		if err == nil {
			return f.finish()
		}
		if ctx.Err() != nil || errors.Is(err, errOther) {
			return err
		}
		if failed++; f.there() > before {
			failed = 0
		}
		if failed > g.Retries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(g.Wait):
		}
	}
}

// there is how much of the file is.
func (f *File) there() int64 {
	info, err := os.Lstat(f.Path + Part)
	if err != nil || !info.Mode().IsRegular() || info.Size() > f.Size {
		return 0
	}
	return info.Size()
}

// finish checks what was fetched, and gives it its name.
func (f *File) finish() error {
	if err := f.Check(f.Path + Part); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", errOther, err), os.Remove(f.Path+Part))
	}
	// Link refuses a name that is taken, where Rename replaces what has it.
	if err := os.Link(f.Path+Part, f.Path); err != nil {
		return err
	}
	return os.Remove(f.Path + Part)
}

// transfer gets what is missing.
func (g *Getter) transfer(ctx context.Context, f *File, url string) (err error) {
	out, err := os.OpenFile(f.Path+Part, os.O_WRONLY|os.O_CREATE|noFollow, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	at := f.there()
	if at == f.Size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(g.Stalled, func() { cancel(fmt.Errorf("nothing came for %v", g.Stalled)) })
	defer stalled.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept-Encoding", "identity")
	if at > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	}
	answer, err := g.Client.Do(request)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer answer.Body.Close()
	if at, err = f.begins(answer, at); err != nil {
		return err
	}
	if err := out.Truncate(at); err != nil {
		return err
	}
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return err
	}
	return f.copy(ctx, out, answer.Body, at, func() { stalled.Reset(g.Stalled) })
}

// begins says where an answer begins that was asked for what follows at.
func (f *File) begins(answer *http.Response, at int64) (int64, error) {
	switch answer.StatusCode {
	case http.StatusOK:
		at = 0
	case http.StatusPartialContent:
		if got, want := answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", at, f.Size-1, f.Size); got != want {
			return 0, fmt.Errorf("%w: content range %.80q, want %q", errOther, got, want)
		}
	default:
		return 0, fmt.Errorf("%w: %.80s", errOther, answer.Status)
	}
	if n := answer.ContentLength; n >= 0 && n != f.Size-at {
		return 0, fmt.Errorf("%w: %d bytes, the job has %d", errOther, at+n, f.Size)
	}
	return at, nil
}

// copy stores what comes, and no more than is missing.
func (f *File) copy(ctx context.Context, out io.Writer, in io.Reader, at int64, came func()) error {
	buf := make([]byte, 1<<17)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			came()
			if at+int64(n) > f.Size {
				return fmt.Errorf("%w: over %d bytes, which the job has", errOther, f.Size)
			}
			if _, err := out.Write(buf[:n]); err != nil {
				return err
			}
			at += int64(n)
			if f.Progress != nil {
				f.Progress(at)
			}
		}
		switch {
		case err == io.EOF && at == f.Size:
			return nil
		case err == io.EOF:
			return fault.New(fault.BadLength, "", "", "broke off after %d of %d bytes", at, f.Size)
		case err != nil:
			return errors.Join(err, context.Cause(ctx))
		}
	}
}
