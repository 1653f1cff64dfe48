//go:build !unix

package registry

import (
	"errors"
	"os"
)

func lock(*os.File) (func() error, error) {
	return nil, errors.New("spent work is kept only on a system with POSIX file locks")
}
