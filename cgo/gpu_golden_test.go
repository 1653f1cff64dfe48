//go:build cgo && linux && gpu

package cgo_test

import (
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels/optest"
)

func TestTheGPUGivesTheGoldenVectors(t *testing.T) {
	b := must(cgo.NewBackend(background, gpu(t), gpuLimit))(t)
	for _, v := range optest.Vectors() {
		t.Run(v.String(), func(t *testing.T) { check(t, v.Check(b)) })
	}
}
