//go:build cgo && linux && gpu

package cgo_test

import (
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels/optest"
)

// gpu opens the first device of the machine. These tests are built with the tag gpu, for machines that have one.
func gpu(t *testing.T) *cgo.Device {
	t.Helper()
	driver := must(cgo.Open(background, cgo.Options{Watchdog: 30 * time.Second}))(t)
	g := must(driver.OpenDevice(background, 0))(t)
	t.Cleanup(func() { check(t, g.Close(background)) })
	t.Logf("%+v", g.Info())
	return g
}

func TestTheGPUGivesTheBytesOfTheReference(t *testing.T) {
	b := must(cgo.NewBackend(background, gpu(t), 4<<30))(t)
	optest.Test(t, b)
}

func TestTheGPUReplaysACapturedStepWithTheSameBytes(t *testing.T) {
	replay(t, gpu(t))
}
