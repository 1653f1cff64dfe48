package trace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// disk brings files of a trace onto the disk, for no more than a hundredth of the time. That a process ends does them no harm;
// if the power fails, what was not brought there is found to be damaged, and made again.
type disk struct {
	written []string // files that are not on the disk yet
	named   []string // folders whose names are not
	last    time.Time
	cost    time.Duration // of the last time
}

// syncShare is the part of the time that may pass with it, and syncEvery the shortest time between two.
const (
	syncShare = 100
	syncEvery = time.Second
)

// wrote says that a file was written and closed.
func (d *disk) wrote(path string) {
	d.written = append(d.written, path)
	d.name(filepath.Dir(path))
}

// made says that a folder was made and filled.
func (d *disk) made(dir string) {
	d.name(dir)
	d.name(filepath.Dir(dir))
}

// begin counts the time from now on.
func (d *disk) begin() { d.last = time.Now() }

func (d *disk) name(dir string) {
	if !slices.Contains(d.named, dir) {
		d.named = append(d.named, dir)
	}
}

// due says whether enough time has passed.
func (d *disk) due() bool {
	return time.Since(d.last) >= max(syncEvery, syncShare*d.cost)
}

// sync brings open files, all that was written since the last time, and the names of these onto the disk.
func (d *disk) sync(open ...*os.File) error {
	began := time.Now()
	for _, f := range open {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	for _, path := range d.written {
		if err := syncPath(path); err != nil {
			return err
		}
	}
	for _, dir := range d.named {
		if err := syncFolder(dir); err != nil {
			return err
		}
	}
	d.written, d.named, d.last = d.written[:0], d.named[:0], time.Now()
	d.cost = d.last.Sub(began)
	return nil
}

func syncPath(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Sync brings all that is in a trace's directory onto the disk, whatever it is.
func Sync(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return syncFolder(path)
		case d.Type().IsRegular():
			return syncPath(path)
		}
		return nil
	})
}
