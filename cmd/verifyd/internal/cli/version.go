package cli

import (
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/job"
)

// build says which verifyd this is.
type build struct {
	Version  string   `json:"version"`
	Revision string   `json:"revision,omitempty"` // of the source, "+dirty" if it was changed
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	Profile  string   `json:"profile"` // numeric profile
	ISA      []string `json:"isa"`     // code paths of this machine, the fastest last
}

func currentBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Profile: job.Profile}
	for _, isa := range kernels.Available() {
		b.ISA = append(b.ISA, isa.String())
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Revision = s.Value + b.Revision
		case s.Key == "vcs.modified" && s.Value == "true":
			b.Revision += "+dirty"
		}
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the build, the numeric profile and the code paths of this machine",
		Args:  cobra.NoArgs,
		RunE: a.runs(func(*cobra.Command, []string) error {
			b := currentBuild()
			return a.emit(b, func(w io.Writer) {
				row(w, "verifyd", b.Version)
				if b.Revision != "" {
					row(w, "revision", b.Revision)
				}
				row(w, "go", b.Go+" "+b.Platform)
				row(w, "profile", b.Profile)
				row(w, "code paths", strings.Join(b.ISA, " "))
			})
		}),
	}
}
