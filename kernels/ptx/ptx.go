package ptx

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

//go:embed modules/*.ptx.zst
var files embed.FS

// Module is the PTX of one source.
type Module struct {
	Name    string // of the source, without .cu
	Text    string
	Kernels []string // in the text's order
}

// largest bounds a module's text, far above any.
const largest = 16 << 20

// Modules decompresses all modules, sorted by name.
func Modules() ([]Module, error) {
	names, err := files.ReadDir("modules")
	if err != nil {
		return nil, fmt.Errorf("ptx: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(largest))
	if err != nil {
		return nil, fmt.Errorf("ptx: %w", err)
	}
	defer decoder.Close()
	var all []Module
	for _, f := range names {
		packed, err := files.ReadFile(path.Join("modules", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("ptx: %w", err)
		}
		text, err := decoder.DecodeAll(packed, nil)
		if err != nil {
			return nil, fmt.Errorf("ptx: module %s: %w", f.Name(), err)
		}
		all = append(all, Module{Name: strings.TrimSuffix(f.Name(), ".ptx.zst"), Text: string(text), Kernels: entries(string(text))})
	}
	return all, nil
}

// entries are the names of a text's kernels.
func entries(text string) (names []string) {
	for found := true; found; {
		var name string
		if _, text, found = strings.Cut(text, "\n.visible .entry "); found {
			name, text, _ = strings.Cut(text, "(")
			names = append(names, name)
		}
	}
	return names
}
