package tabular

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
)

// npy is an NPY file of version 1.0 with a header padded as NumPy pads it.
func npyFile(header string, data any) []byte { return npyIn(binary.LittleEndian, header, data) }

func npyIn(order binary.AppendByteOrder, header string, data any) []byte {
	text := header + strings.Repeat(" ", (64-(10+len(header)+1)%64)%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8))
	b = append(b, text...)
	b, err := binary.Append(b, order.(binary.ByteOrder), data)
	if err != nil {
		panic(err)
	}
	return b
}

func npyOf(descr, shape string, data any) []byte {
	return npyFile("{'descr': '"+descr+"', 'fortran_order': False, 'shape': "+shape+", }", data)
}

// put writes a file in a folder of the test.
func put(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused holds that a file is refused with an error that begins with its path and has some words, and that does not blame
// this machine.
func refused(t *testing.T, name, path string, err error, want string) {
	t.Helper()
	if fault.Of(err).Blames() == fault.Machine {
		t.Errorf("%s: of class %s: %v", name, fault.Of(err), err)
	}
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

// classesOf are the classes of one column.
func classesOf(t *testing.T, c *Column) ([]string, []int32) {
	t.Helper()
	names, classes, _, err := Classes(c, &Column{Kind: c.Kind})
	if err != nil {
		t.Fatal(err)
	}
	return names, classes
}
