package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Remote is how a log is read over HTTP.
type Remote struct {
	URL string // of the log, below which its checkpoint and its tiles are
	Key string // the log's key, which comes from elsewhere: a server is believed about nothing
	// Timeout is how long the server may take to answer one request to the last
	// byte: a tile of entries has 16 MiB at most.
	Timeout time.Duration
}

// maxRemoteHeader bounds the headers of an answer in bytes.
const maxRemoteHeader = 64 << 10

// Open opens a log that a server publishes (c2sp.org/tlog-tiles). Nothing is
// asked of the server before something is read; requests end when ctx does.
//
// A server can keep the log from being read, and show an older checkpoint that
// the log signed. Its answers are cut at the size that a file can have, and a
// redirect is not followed: where the log is, its URL says.
func (o Remote) Open(ctx context.Context) (*Reader, error) {
	at, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("the log's URL cannot be read") // the cause repeats it, with its password
	}
	switch {
	case at.Scheme != "http" && at.Scheme != "https", at.Host == "", at.RawQuery != "" || at.ForceQuery, at.Fragment != "":
		return nil, fmt.Errorf("%s: want http://HOST/PATH or https://HOST/PATH of a log", at.Redacted())
	}
	at.Path = strings.TrimSuffix(at.Path, "/")
	r, err := newReader(at.Redacted(), o.Key)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			DisableCompression: true, MaxResponseHeaderBytes: maxRemoteHeader, IdleConnTimeout: o.Timeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r.read = func(path string, limit int64) ([]byte, error) {
		asked, cancel := context.WithTimeout(ctx, o.Timeout)
		defer cancel()
		data, err := fetch(asked, client, at.JoinPath(path), limit)
		if err != nil && asked.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("no whole answer within %v", o.Timeout)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at.JoinPath(path).Redacted(), err)
		}
		return data, nil
	}
	return r, nil
}

// fetch asks for a file of at most limit bytes.
func fetch(ctx context.Context, client *http.Client, at *url.URL, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	reply, err := client.Do(request)
	if err != nil {
		var named *url.Error // names what the caller names
		if errors.As(err, &named) {
			err = named.Err
		}
		return nil, err
	}
	defer reply.Body.Close()
	switch {
	case reply.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("the server answers 404: %w", fs.ErrNotExist)
	case reply.StatusCode >= 300 && reply.StatusCode < 400:
		return nil, fmt.Errorf("the server answers %d, with a redirect to %.200q, which is not followed", reply.StatusCode, reply.Header.Get("Location"))
	case reply.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server answers %d", reply.StatusCode)
	case reply.ContentLength > limit:
		return nil, fmt.Errorf("%d bytes, the limit is %d", reply.ContentLength, limit)
	}
	var data bytes.Buffer
	if reply.ContentLength > 0 {
		data.Grow(int(reply.ContentLength) + bytes.MinRead)
	}
	_, err = data.ReadFrom(io.LimitReader(reply.Body, limit+1))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the answer ends after %d bytes, before its end", data.Len())
	}
	if err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("more than %d bytes, which is the limit", limit)
	}
	return data.Bytes(), nil
}
