//go:build !unix

package session

import (
	"errors"
	"os"
)

// Map is not offered here.
func Map(*os.File, int) ([]byte, func() error, error) {
	return nil, nil, errors.New("memory: processes share none on this platform")
}
