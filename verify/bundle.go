package verify

import (
	"io"
	"os"

	"github.com/verifyd/verifyd/verify/fault"
)

// Bundle is a source that is closed by whoever opened it.
type Bundle interface {
	Source
	io.Closer
}

// OpenBundle opens a folder, or an archive where path is a file.
func OpenBundle(path string) (Bundle, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fault.In("bundle", err)
	case info.IsDir():
		return OpenFolder(path)
	}
	return OpenArchive(path)
}
