package pack

import (
	"context"
	"fmt"
	"image"
	_ "image/jpeg" // decoders register themselves
	_ "image/png"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// maxSide bounds an image, in pixels of a side.
const maxSide = 1 << 14

// Images are the pictures of a folder that has a folder for each class.
type Images struct {
	Classes []string // by label: the names of the folders, sorted
	Shape   []int    // of a sample: channels, height, width

	root  *os.Root
	dir   string
	files []picture
}

// picture is a file and its label.
type picture struct {
	path  string // in the folder
	label int32
}

// OpenImages lists the .png, .jpg and .jpeg in the folders of a folder, classes and files in the order of their names. The first
// image says how large all of them are: grey ones have one channel, others three.
func OpenImages(dir string) (m *Images, err error) {
	root, err := input.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	m = &Images{root: root, dir: dir}
	if err := m.list(); err != nil {
		root.Close()
		return nil, err
	}
	return m, nil
}

func (m *Images) list() error {
	classes, err := fs.ReadDir(m.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, class := range classes {
		if !class.IsDir() {
			continue
		}
		entries, err := fs.ReadDir(m.root.FS(), class.Name())
		if err != nil {
			return err
		}
		before := len(m.files)
		for _, e := range entries {
			if slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(path.Ext(e.Name()))) {
				m.files = append(m.files, picture{path.Join(class.Name(), e.Name()), int32(len(m.Classes))})
			}
		}
		if len(m.files) > before {
			m.Classes = append(m.Classes, class.Name())
		}
	}
	if len(m.files) == 0 {
		return fault.New(fault.Missing, m.dir, "", "no .png, .jpg or .jpeg in a folder of it: want FOLDER/CLASS/IMAGE.png")
	}
	first, err := m.decode(m.files[0])
	if err != nil {
		return err
	}
	channels := 3
	if grey(first) {
		channels = 1
	}
	m.Shape = []int{channels, first.Bounds().Dy(), first.Bounds().Dx()}
	return nil
}

func grey(i image.Image) bool {
	switch i.(type) {
	case *image.Gray, *image.Gray16:
		return true
	}
	return false
}

// Close lets the folder go.
func (m *Images) Close() error { return m.root.Close() }

// Samples is the number of images.
func (m *Images) Samples() int { return len(m.files) }

// decode decodes a picture of at most maxSide a side.
func (m *Images) decode(p picture) (image.Image, error) {
	name := filepath.Join(m.dir, filepath.FromSlash(p.path))
	f, err := m.root.Open(filepath.FromSlash(p.path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fault.New(fault.NotRegular, name, "", "want a regular file")
	}
	config, _, err := image.DecodeConfig(f)
	if err != nil {
		return nil, fault.New(fault.BadForm, name, "", "%w", err)
	}
	if config.Width > maxSide || config.Height > maxSide {
		return nil, fault.New(fault.TooLarge, name, "", "%d x %d pixels, the limit is %d a side", config.Width, config.Height, maxSide)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	i, _, err := image.Decode(f)
	if err != nil {
		return nil, fault.New(fault.BadForm, name, "", "%w", err)
	}
	return i, nil
}

// Write writes a safetensors file of x, U8 in channels, rows and columns, and of the labels, y.
func (m *Images) Write(ctx context.Context, path string, progress func(done, total uint64)) error {
	n := len(m.files)
	return writeFile(path, func(w io.Writer) error {
		// The labels come first: the elements of x then follow one another to the end of the file.
		out, err := safetensors.NewWriter(w, nil, []safetensors.Info{
			{Name: "y", DType: safetensors.I32, Shape: []int{n}}, {Name: "x", DType: safetensors.U8, Shape: append([]int{n}, m.Shape...)},
		})
		if err != nil {
			return err
		}
		labels := make([]int32, n)
		for i, p := range m.files {
			labels[i] = p.label
		}
		if err := out.I32(labels); err != nil {
			return err
		}
		pixels := make([]byte, m.Shape[0]*m.Shape[1]*m.Shape[2])
		for i, p := range m.files {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := m.pixels(pixels, p); err != nil {
				return err
			}
			if _, err := w.Write(pixels); err != nil {
				return err
			}
			progress(uint64(i+1), uint64(n))
		}
		return nil
	})
}

// pixels decodes a picture into channels, rows and columns. An image of 16 bits keeps the upper 8, and what is transparent is
// refused.
func (m *Images) pixels(to []byte, p picture) error {
	i, err := m.decode(p)
	if err != nil {
		return err
	}
	name := filepath.Join(m.dir, filepath.FromSlash(p.path))
	channels, height, width := m.Shape[0], m.Shape[1], m.Shape[2]
	b := i.Bounds()
	if b.Dy() != height || b.Dx() != width {
		return fault.New(fault.WrongType, name, "", "%d x %d pixels, the first image has %d x %d: resize them all before", b.Dx(), b.Dy(), width, height)
	}
	if channels == 1 && !grey(i) {
		return fault.New(fault.WrongType, name, "", "in colour, the first image is grey: convert them all before")
	}
	for y := range height {
		for x := range width {
			r, g, bl, alpha := i.At(b.Min.X+x, b.Min.Y+y).RGBA()
			if alpha != 0xffff {
				return fault.New(fault.WrongType, name, fmt.Sprintf("pixel %d, %d", x, y), "is transparent")
			}
			for c, v := range []uint32{r, g, bl}[:channels] {
				to[(c*height+y)*width+x] = byte(v >> 8)
			}
		}
	}
	return nil
}
