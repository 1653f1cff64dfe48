package oracle

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestTheRuntimePinOfGorgoniaHolds guards go.mod: with an older version of this module, gorgonia's tensor package
// panics at start-up on current versions of Go. That this test runs shows that the version in use is good; the
// comparison names the line to restore before anything is built with another one.
func TestTheRuntimePinOfGorgoniaHolds(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for module, version := range map[string]string{
		"go4.org/unsafe/assume-no-moving-gc": "v0.0.0-20231121144256-b99613f794b6",
		"gorgonia.org/gorgonia":              "v0.9.18",
		"gorgonia.org/tensor":                "v0.9.24",
	} {
		line := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (\S+)`).FindSubmatch(mod)
		if line == nil || string(line[1]) != version {
			t.Errorf("go.mod: %s must be required at %s, found %q", module, version, line)
		}
	}
}

func TestVerifydLinksNeitherTheOracleNorGorgonia(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../cmd/verifyd").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	for _, p := range packages {
		if strings.HasPrefix(p, "gorgonia.org/") || strings.HasSuffix(p, "/verify/oracle") {
			t.Errorf("cmd/verifyd imports %s", p)
		}
	}
	if len(packages) < 50 {
		t.Errorf("%d packages listed", len(packages))
	}
}
