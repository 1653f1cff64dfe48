// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/verifyd/verifyd/bench/mumax/compare"
	"github.com/verifyd/verifyd/cgo"
)

// machine describes the device and this program.
func machine(ctx context.Context, driver *cgo.Driver, device *cgo.Device, options cgo.Options) compare.Machine {
	info := device.Info()
	m := compare.Machine{
		Device:     info.Name,
		Capability: fmt.Sprintf("%d.%d", info.Major, info.Minor),
		Driver:     fmt.Sprintf("CUDA %d.%d", driver.Version()/1000, driver.Version()%1000/10),
		ECC:        info.ECC,
		Go:         runtime.Version(),
		Peer:       "mumax3",
		Date:       time.Now().UTC().Format(time.RFC3339),
	}
	if monitor, err := cgo.OpenMonitor(ctx, options); err == nil { // NVML may be missing; the report says less then
		m.Driver += ", driver " + monitor.Driver()
		_ = monitor.Close(ctx)
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	for _, d := range build.Deps {
		if d.Path == "github.com/mumax/3" {
			m.Peer = d.Path + " " + d.Version
		}
	}
	modified := ""
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			m.Commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	m.Commit += modified
	return m
}
