package verify

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
)

// maxArchived bounds the entries of an archive: more than a bundle has, with what archivers add to it.
const maxArchived = 1 << 15

// Archive is a bundle in one tar file that is not compressed, since openings are: one made by
//
//	tar -cf bundle.tar -C bundle .
//
// or of the folder itself, by GNU tar, bsdtar or a library. Its entries are found once, when it is opened.
// Entries under other names than a bundle's are passed over.
type Archive struct {
	file    *os.File
	entries map[string]entry
}

type entry struct{ offset, size int64 }

// OpenArchive opens a tar file. The caller closes it.
func OpenArchive(name string) (*Archive, error) {
	file, _, err := input.Open(name)
	if err != nil {
		return nil, fault.In("bundle", err)
	}
	a := &Archive{file: file}
	if err := a.index(); err != nil {
		file.Close()
		return nil, fault.In("bundle", fault.Under(name, err))
	}
	return a, nil
}

// index finds the entries.
func (a *Archive) index() error {
	info, err := a.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errNotRegular
	}
	place := &position{Reader: io.NewSectionReader(a.file, 0, info.Size())}
	in := tar.NewReader(place)
	folders := map[string]map[string]entry{}
	for n := 0; ; n++ {
		header, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fault.Under(fmt.Sprintf("entry %d", n), fault.As(fault.BadForm, fault.Truncated(err)))
		}
		if n == maxArchived {
			return fault.New(fault.TooLarge, "", "", "more than %d entries", maxArchived)
		}
		folder, name := split(header.Name)
		if name == "" {
			continue
		}
		if folders[folder] == nil {
			folders[folder] = map[string]entry{}
		}
		switch _, again := folders[folder][name]; {
		case header.Typeflag != tar.TypeReg || sparse(header):
			return fault.Under(name, errNotRegular)
		case again:
			return fault.New(fault.BadForm, "", name, "twice in the archive")
		case header.Size > info.Size()-place.at:
			return fault.New(fault.BadLength, "", name, "the archive is truncated: %w", io.ErrUnexpectedEOF)
		}
		folders[folder][name] = entry{place.at, header.Size}
	}
	return a.choose(folders)
}

// choose takes the bundle at the top of the archive or, if there is none, the only one in a folder.
func (a *Archive) choose(folders map[string]map[string]entry) error {
	var found []string
	for folder, entries := range folders {
		if _, ok := entries[JobFile]; ok {
			found = append(found, folder)
		}
	}
	switch _, top := folders[""][JobFile]; {
	case top:
		a.entries = folders[""]
	case len(found) == 1:
		a.entries = folders[found[0]]
	case len(found) == 0:
		return fault.New(fault.Missing, "", JobFile, "the file is missing: %w", fs.ErrNotExist)
	default:
		slices.Sort(found)
		return fault.New(fault.BadForm, "", JobFile, "in folders %.60q and %.60q", found[0], found[1])
	}
	return nil
}

// split is the folder of an entry and its name in a bundle, "" if it is none of a bundle's files.
func split(name string) (folder, file string) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	folder, file = path.Split(name)
	if base := path.Base(folder); base == OpeningsDir {
		folder, file = path.Dir(path.Clean(folder)), OpeningsDir+"/"+file
	}
	folder = strings.TrimPrefix(path.Clean("/"+folder), "/")
	if strings.Contains(folder, "/") {
		return folder, ""
	}
	switch file {
	case JobFile, ProgramFile, CurveFile, AssignmentFile, ClaimFile, ReceiptFile, BeaconFile, OpeningFile, OpenedFile, LeavesFile, BaseFile,
		SlicesFile, RegistrationFile, RegistrationProofFile, AssignmentProofFile, ReceiptProofFile, OpenedProofFile, OpeningProofFile:
		return folder, file
	}
	var segment uint64
	if _, err := fmt.Sscanf(file, segmentPattern, &segment); err == nil && file == segmentFile(segment) {
		return folder, file
	}
	return folder, ""
}

// sparse says that an entry's content is not what lies in the archive.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// position is a reader that knows where it is.
type position struct {
	io.Reader
	at int64
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.at += int64(n)
	return n, err
}

// Seek lets tar pass over content without reading it.
func (p *position) Seek(offset int64, whence int) (int64, error) {
	at, err := p.Reader.(io.Seeker).Seek(offset, whence)
	p.at = at
	return at, err
}

// Close closes the archive. Its files must not be used afterwards.
func (a *Archive) Close() error { return a.file.Close() }

// Open implements Source.
func (a *Archive) Open(_ context.Context, name string) (File, error) {
	e, ok := a.entries[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return archived{io.NewSectionReader(a.file, e.offset, e.size)}, nil
}

type archived struct{ *io.SectionReader }

func (archived) Close() error { return nil }
