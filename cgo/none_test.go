//go:build !cgo || !linux

package cgo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
)

func TestABuildWithoutGPUSupportSaysSo(t *testing.T) {
	if _, err := cgo.Open(t.Context(), cgo.Options{}); !errors.Is(err, cgo.ErrNoDriver) || !strings.Contains(err.Error(), "CGO_ENABLED") {
		t.Error(err)
	}
	if _, err := cgo.OpenMonitor(t.Context(), cgo.Options{}); !errors.Is(err, cgo.ErrNoDriver) {
		t.Error(err)
	}
}
