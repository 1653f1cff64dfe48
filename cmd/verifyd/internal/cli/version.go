package cli

import (
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/kernels"
)

// build says which verifyd this is.
type build struct {
	Version  string   `json:"version"`
	Revision string   `json:"revision,omitempty"` // of the source, "+dirty" if it was changed
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	Profiles []string `json:"profiles"` // numeric profiles
	ISA      []string `json:"isa"`      // code paths of this machine, the fastest last
}

func currentBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Profiles: profileNames()}
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

// profileNames are the numeric profiles that this build knows.
func profileNames() []string {
	var all []string
	for _, p := range kernels.Profiles() {
		all = append(all, p.String())
	}
	return all
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the build, the numeric profiles and the code paths of this machine",
		Args:  cobra.NoArgs,
		RunE: a.runs(func(*cobra.Command, []string) error {
			b := currentBuild()
			return a.emit(b, func(w io.Writer) {
				row(w, "verifyd", b.Version)
				if b.Revision != "" {
					row(w, "revision", b.Revision)
				}
				row(w, "go", b.Go+" "+b.Platform)
				row(w, "profiles", strings.Join(b.Profiles, " "))
				row(w, "code paths", strings.Join(b.ISA, " "))
			})
		}),
	}
}
