package cli

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/checkpoint"
	"github.com/verifyd/verifyd/verify/merkle"
)

func (a *app) stateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE...",
		Short: "Print the tensors of files: names, shapes, element types, root, counters",
		Long: `show prints what is in safetensors files of any tool, in folders with an index, or in
verifyd's own. Of a base and of a state it prints the root that a job has, and of a state
the counters. The root of a state is that of a program that freezes nothing: frozen
tensors are in no state's file, and their digest is a part of it.`,
		Example: `  verifyd state show base.safetensors
  verifyd state show trace/final.safetensors
  verifyd state show gpt2/`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			files, err := checkpoint.Open(args...)
			if err != nil {
				return err
			}
			defer files.Close()
			return a.emitState(files)
		}),
	}
}

func (a *app) emitState(files *checkpoint.Checkpoint) error {
	view := struct {
		Kind     string            `json:"kind,omitempty"` // of the root
		Root     *merkle.Hash      `json:"root,omitempty"`
		Metadata map[string]string `json:"metadata,omitempty"`
		Numbers  int64             `json:"numbers"`
		Tensors  []tensorView      `json:"tensors"`
	}{Metadata: files.Metadata, Tensors: []tensorView{}}
	for _, t := range files.Tensors {
		n, err := t.Count()
		if err != nil {
			return err
		}
		view.Numbers += int64(n)
		view.Tensors = append(view.Tensors, tensorViewOf(t.Name, t))
	}
	kind, root, err := files.Root(runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	if kind != "" {
		view.Kind, view.Root = string(kind), &root
	}
	return a.emit(view, func(w io.Writer) {
		if kind != "" {
			row(w, "root", fmt.Sprintf("%v, %s", root, kind))
		}
		for _, key := range slices.Sorted(maps.Keys(view.Metadata)) {
			row(w, key, fmt.Sprintf("%.200s", view.Metadata[key]))
		}
		row(w, "tensors", fmt.Sprintf("%d with %d numbers", len(view.Tensors), view.Numbers))
		for _, t := range view.Tensors {
			row(w, t.Name, fmt.Sprintf("%s %v", t.DType, t.Shape))
		}
	})
}
