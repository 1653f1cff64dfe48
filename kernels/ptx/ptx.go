package ptx

import (
	"embed"
	"fmt"
	"path"
	"regexp"
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

var entry = regexp.MustCompile(`(?m)^\.visible \.entry (\w+)\(`)

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
		m := Module{Name: strings.TrimSuffix(f.Name(), ".ptx.zst"), Text: string(text)}
		for _, match := range entry.FindAllStringSubmatch(m.Text, -1) {
			m.Kernels = append(m.Kernels, match[1])
		}
		all = append(all, m)
	}
	return all, nil
}
