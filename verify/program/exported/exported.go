// Package exported holds programs of PyTorch models as verifyd.export writes them: whole ones, and blocks of them that tests can
// follow with an interpreter.
//
//	p, err := exported.Program("resnet18")
//
// bench/peers/torch_models.py has the models. `make torch` exports them again and compares the bytes; python -m
// torch_tests.test_programs writes them. The package never trains any.
package exported

import (
	"embed"
	"fmt"

	"github.com/verifyd/verifyd/verify/program"
)

//go:embed *.json
var files embed.FS

// Models are the names of the whole models: ResNet-18 for images of 32x32, a vision transformer of the same, a decoder as Llama
// is one, and adapters on a frozen GPT.
func Models() []string { return []string{"resnet18", "vit-tiny", "llama", "lora"} }

// Blocks are the names of a block of each.
func Blocks() []string { return []string{"resnet-block", "vit-block", "llama-block", "lora-block"} }

// Program reads the program of that name.
func Program(name string) (*program.Program, error) {
	data, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("exported: %w", err)
	}
	p, err := program.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("exported: %s: %w", name, err)
	}
	return p, nil
}
