package npy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fileOf is a file of a version with a header.
func fileOf(version byte, header string) []byte {
	b := append([]byte("\x93NUMPY"), version, 0, byte(len(header)), byte(len(header)>>8))
	if version > 1 {
		b = append(b, 0, 0)
	}
	return append(b, header...)
}

func TestHeadersOfEachVersionSayWhereElementsBegin(t *testing.T) {
	for version, bytesBefore := range map[byte]int64{1: 10, 2: 12, 3: 12} {
		const text = "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 1, 28, 28), }   \n"
		h, err := Read(bytes.NewReader(fileOf(version, text)))
		if err != nil || h.Descr != "<u2" || h.Fortran || !slices.Equal(h.Shape, []int64{3, 1, 28, 28}) || h.Bytes != bytesBefore+int64(len(text)) {
			t.Errorf("version %d: %+v, %v", version, h, err)
		}
	}
}

func TestHeadersAreReadStrictly(t *testing.T) {
	for words, text := range map[string]string{
		"more than 8 dimensions":     "{'descr': '<u2', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}\n",
		"an array of records":        "{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (1,)}\n",
		"given twice":                "{'descr': '<u2', 'descr': '<u2', 'fortran_order': False, 'shape': (1,)}\n",
		"unknown key":                "{'descr': '<u2', 'order': False, 'shape': (1,)}\n",
		"not a plain decimal":        "{'descr': '<u2', 'fortran_order': False, 'shape': (-1,)}\n",
		"does not end with a line":   "{'descr': '<u2', 'fortran_order': False, 'shape': (1,)}",
		"bytes follow":               "{'descr': '<u2', 'fortran_order': False, 'shape': (1,)}x\n",
		"where True or False is":     "{'descr': '<u2', 'fortran_order': None, 'shape': (1,)}\n",
		"without a comma":            "{'descr': '<u2', 'fortran_order': False, 'shape': (1)}\n",
		"and shape are needed":       "{'descr': '<u2', 'fortran_order': False}\n",
		"no dimension":               "{'descr': '<u2', 'fortran_order': False, 'shape': ()}\n",
		"header length: 65535 bytes": strings.Repeat(" ", 65535),
	} {
		if _, err := Read(bytes.NewReader(fileOf(1, text))); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	for _, b := range [][]byte{nil, []byte("PK"), []byte("\x93NUMPY\x04\x00"), fileOf(1, "{}\n")[:9]} {
		if _, err := Read(bytes.NewReader(b)); err == nil {
			t.Errorf("%q was read", b)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(fileOf(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (3,)}\n"))
	f.Add(fileOf(3, "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2, 2)}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if h.Bytes > int64(len(data)) || len(h.Shape) < 1 || len(h.Shape) > MaxRank {
			t.Errorf("%+v of %d bytes", h, len(data))
		}
		// What was understood reads the same, written plainly.
		dims := make([]string, len(h.Shape))
		for i, d := range h.Shape {
			dims[i] = fmt.Sprint(d) + ","
		}
		order := map[bool]string{true: "True", false: "False"}[h.Fortran]
		quote := "'"
		if strings.Contains(h.Descr, quote) {
			quote = `"`
		}
		again, err := Read(bytes.NewReader(fileOf(1, "{'descr': "+quote+h.Descr+quote+", 'fortran_order': "+order+", 'shape': ("+strings.Join(dims, "")+")}\n")))
		if err != nil || again.Descr != h.Descr || again.Fortran != h.Fortran || !slices.Equal(again.Shape, h.Shape) {
			t.Errorf("%+v, written again %+v, %v", h, again, err)
		}
	})
}
