package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
)

// errPower is what every call returns once the power is gone.
var errPower = errors.New("no power")

// memory is a disk that knows what of it would be there after a power failure.
type memory struct {
	mu      sync.Mutex
	at      int               // the call that is interfered with, from 1 on; 0 for none
	cut     bool              // the power goes at that call, or else the call alone fails
	calls   int               // that change something
	files   map[string]*inode // by path, as processes see them
	durable map[string]*inode // as they would be after a power failure
	dark    bool
}

type inode struct {
	data   []byte
	synced bool
}

func newMemory() *memory {
	m := &memory{files: map[string]*inode{}, durable: map[string]*inode{}}
	m.files[filepath.Join("r", markFile)] = &inode{[]byte(Version + "\n"), true}
	m.durable = maps.Clone(m.files)
	return m
}

// step counts a call and says whether it fails, and whether it fails after it was done.
func (m *memory) step() error {
	m.calls++
	if m.dark {
		return errPower
	}
	if m.calls != m.at {
		return nil
	}
	m.dark = m.cut
	return fmt.Errorf("call %d: %w", m.calls, errPower)
}

// restart is the disk when the power is back. Of what was not synced, keep says what is there nevertheless.
func (m *memory) restart(keep func() bool) *memory {
	after := &memory{files: map[string]*inode{}}
	for _, path := range slices.Sorted(maps.Keys(m.files)) {
		if m.durable[path] == nil && keep() {
			m.durable[path] = m.files[path]
		}
	}
	for path, f := range m.durable {
		data := f.data
		if !f.synced && !keep() {
			data = data[:len(data)/2]
		}
		after.files[path] = &inode{data, true}
	}
	after.durable = maps.Clone(after.files)
	return after
}

func (m *memory) write(path string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil { // the name is made
		return err
	}
	if m.files[path] != nil {
		return fs.ErrExist
	}
	f := &inode{}
	m.files[path] = f
	if err := m.step(); err != nil { // the bytes are written
		f.data = data[:len(data)/3]
		return err
	}
	f.data = slices.Clone(data)
	if err := m.step(); err != nil { // they are synced
		return err
	}
	f.synced = true
	return m.step() // it is closed
}

func (m *memory) link(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	if m.files[to] != nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	m.files[to] = m.files[from]
	return m.step() // it was done, and its answer is lost
}

func (m *memory) sync(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	for path := range m.durable {
		if filepath.Dir(path) == dir && m.files[path] == nil {
			delete(m.durable, path)
		}
	}
	for path, f := range m.files {
		if filepath.Dir(path) == dir {
			m.durable[path] = f
		}
	}
	return m.step()
}

func (m *memory) remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	if m.files[path] == nil {
		return fs.ErrNotExist
	}
	delete(m.files, path)
	return nil
}

func (m *memory) read(path string, _ int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dark {
		return nil, errPower
	}
	f := m.files[path]
	if f == nil {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return slices.Clone(f.data), nil
}

func (m *memory) names(dir string) (names []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dark {
		return nil, errPower
	}
	for path := range m.files {
		if filepath.Dir(path) == dir {
			names = append(names, filepath.Base(path))
		}
	}
	return names, nil
}
