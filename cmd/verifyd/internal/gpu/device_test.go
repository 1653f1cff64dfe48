//go:build linux

package gpu

import (
	"testing"

	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

func TestAChildTrainsAsTheCPUDoes(t *testing.T) {
	enginetest.Test(t, open(t, "interpreter", Options{}), 1)
}
