//go:build !unix

package translog

import (
	"context"
	"errors"
	"net/http"

	"github.com/transparency-dev/tessera"
)

// errPlatform is why a log cannot be written here. It can be read.
var errPlatform = errors.New("a log is written only on a system with POSIX file locks")

func driver(context.Context, string, *http.Client) (tessera.Driver, error) { return nil, errPlatform }

func lock(string) (func() error, error) { return nil, errPlatform }
