package verify

import (
	"runtime"
	"runtime/debug"
)

// buildOf describes the running program.
func buildOf(device, confirmed string) Build {
	b := Build{Version: "unknown", Revision: "unknown", Go: runtime.Version(), Device: device, Confirmed: confirmed}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	const module = "github.com/verifyd/verifyd"
	b.Module = module
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	for _, m := range modules {
		if m.Path == module && m.Version != "" {
			b.Version = m.Version
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				b.Revision += "+changes"
			}
		}
	}
	return b
}
