package pack

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// put writes a file, and the folders above it.
func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// pngOf is an image in the form of a file.
func pngOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// coloured is an image whose pixels count up, channel by channel.
func coloured(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.SetNRGBA(i%w, i/w, color.NRGBA{byte(i), byte(100 + i), byte(200 + i), 255})
	}
	return m
}

func read(t *testing.T, path string) *safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func quiet(uint64, uint64) {}

func TestImagesOfAFolderAreChannelsFirstWithClassesInTheOrderOfTheirNames(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "in/zebra/1.png"), pngOf(t, coloured(3, 2)))
	put(t, filepath.Join(dir, "in/ant/b.png"), pngOf(t, coloured(3, 2)))
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 3, 2), image.YCbCrSubsampleRatio444), nil); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "in/ant/a.JPG"), b.Bytes())
	put(t, filepath.Join(dir, "in/ant/notes.txt"), nil)
	put(t, filepath.Join(dir, "in/README.md"), nil)
	m, err := OpenImages(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out := filepath.Join(dir, "out.safetensors")
	if err := m.Write(context.Background(), out, quiet); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Classes, []string{"ant", "zebra"}) || m.Samples() != 3 {
		t.Errorf("%v, %d images", m.Classes, m.Samples())
	}
	f := read(t, out)
	x, _ := f.Tensor("x")
	y, _ := f.Tensor("y")
	if !slices.Equal(x.Shape, []int{3, 3, 2, 3}) || !slices.Equal(y.I32, []int32{0, 0, 1}) {
		t.Errorf("x of %v, y %v", x.Shape, y.I32)
	}
	want := []byte{0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104, 105, 200, 201, 202, 203, 204, 205}
	if !bytes.Equal(x.U8[18:36], want) || !bytes.Equal(x.U8[36:], want) {
		t.Errorf("pixels %v", x.U8[18:])
	}
}

func TestImagesThatAreNoDataSetAreRefusedAndNothingIsLeft(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 3, 2))
	clear := coloured(3, 2)
	clear.SetNRGBA(1, 1, color.NRGBA{1, 2, 3, 4})
	for words, files := range map[string]map[string][]byte{
		"no .png":                    {"1.png": pngOf(t, grey)},
		"the first image has":        {"a/1.png": pngOf(t, grey), "a/2.png": pngOf(t, image.NewGray(image.Rect(0, 0, 3, 3)))},
		"in colour":                  {"a/1.png": pngOf(t, grey), "a/2.png": pngOf(t, coloured(3, 2))},
		"pixel 1, 1: is transparent": {"a/1.png": pngOf(t, coloured(3, 2)), "a/2.png": pngOf(t, clear)},
		"2.png":                      {"a/1.png": pngOf(t, grey), "a/2.png": pngOf(t, grey)[:40]},
		"the limit is 16384 a side":  {"a/1.png": pngOf(t, image.NewGray(image.Rect(0, 0, 20000, 1)))},
	} {
		dir := t.TempDir()
		for name, data := range files {
			put(t, filepath.Join(dir, "in", name), data)
		}
		m, err := OpenImages(filepath.Join(dir, "in"))
		if err == nil {
			err = m.Write(context.Background(), filepath.Join(dir, "out.safetensors"), quiet)
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), words) || fault.Of(err) == fault.Internal {
			t.Errorf("%s: %v", words, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("%s: left %v behind", words, left)
		}
	}
}

// TestALinkOutOfTheFolderIsNotFollowed: the folder may be anybody's.
func TestALinkOutOfTheFolderIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	secret := put(t, filepath.Join(dir, "secret.png"), pngOf(t, coloured(1, 1)))
	put(t, filepath.Join(dir, "in/a/1.png"), pngOf(t, coloured(1, 1)))
	if err := os.Symlink(secret, filepath.Join(dir, "in/a/2.png")); err != nil {
		t.Fatal(err)
	}
	m, err := OpenImages(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Write(context.Background(), filepath.Join(dir, "out.safetensors"), quiet); err == nil {
		t.Error("it was followed")
	}
}

func TestTablesBecomeRowsAndLabelsThatFit(t *testing.T) {
	dir := t.TempDir()
	table := put(t, filepath.Join(dir, "t.csv"), []byte("a,y,b\n1,7,2.5\n3,0,-4\n"))
	out := filepath.Join(dir, "t.safetensors")
	if rows, cols, err := Table(table, "y", []int{1, 2}, false, tabular.Options{}, out); err != nil || rows != 2 || cols != 2 {
		t.Fatalf("%d rows of %d: %v", rows, cols, err)
	}
	f := read(t, out)
	x, _ := f.Tensor("x")
	y, _ := f.Tensor("y")
	if !slices.Equal(x.F32, []float32{1, 2.5, 3, -4}) || !slices.Equal(x.Shape, []int{2, 1, 2}) || !slices.Equal(y.I32, []int32{7, 0}) {
		t.Errorf("x %v of %v, y %v", x.F32, x.Shape, y.I32)
	}
	if _, _, err := Table(table, "b", nil, true, tabular.Options{}, filepath.Join(dir, "r.safetensors")); err != nil {
		t.Error(err)
	}
	for words, c := range map[string]struct {
		text  string
		shape []int
	}{
		"a label is a whole number":  {"a,y\n1,0.5\n", nil},
		"a row has 1 numbers":        {"a,y\n1,1\n", []int{2}},
		"2147483648, a label":        {"a,y\n1,2147483648\n", nil},
		"[-1]: dimensions":           {"a,y\n1,1\n", []int{-1}},
		"a row has 1 numbers\x00big": {"a,y\n1,1\n", []int{1 << 20, 1 << 20, 1 << 20, 1 << 20}},
	} {
		words, _, _ = strings.Cut(words, "\x00")
		bad := filepath.Join(dir, "bad.safetensors")
		if _, _, err := Table(put(t, filepath.Join(dir, "b.csv"), []byte(c.text)), "y", c.shape, false, tabular.Options{}, bad); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
		if _, err := os.Stat(bad); err == nil {
			t.Errorf("%s: left a file behind", words)
		}
	}
}

func TestTokensAreNarrowedOnlyIfNothingIsLost(t *testing.T) {
	dir := t.TempDir()
	ids := put(t, filepath.Join(dir, "ids.csv"), []byte("doc,ids\n0,1\n0,65535\n1,258\n"))
	out := filepath.Join(dir, "t.bin")
	if n, err := Tokens(ids, "ids", safetensors.U16, tabular.Options{}, out); err != nil || n != 3 {
		t.Fatalf("%d: %v", n, err)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, []byte{1, 0, 255, 255, 2, 1}) {
		t.Errorf("%v, %v", got, err)
	}
	wide := put(t, filepath.Join(dir, "wide.csv"), []byte("doc,ids\n0,65536\n"))
	if _, err := Tokens(wide, "ids", safetensors.U16, tabular.Options{}, filepath.Join(dir, "w.bin")); fault.Of(err) != fault.OutOfRange {
		t.Errorf("%v", err)
	}
	if _, err := Tokens(wide, "ids", safetensors.I32, tabular.Options{}, filepath.Join(dir, "w.bin")); err != nil {
		t.Error(err)
	}
}

func TestTextIsItsBytes(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "t.bin")
	n, err := Text([]string{"a", "b"}, func(name string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(name + "ä")), nil }, out)
	if err != nil || n != 6 {
		t.Fatalf("%d: %v", n, err)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, []byte{'a', 0, 0xc3, 0, 0xa4, 0, 'b', 0, 0xc3, 0, 0xa4, 0}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Text(nil, nil, out); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("%v", err)
	}
}
