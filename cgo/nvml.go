//go:build cgo && linux

package cgo

// #include <stdlib.h>
// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"sync"
	"time"
	"unsafe"
)

// Monitor reads the health of devices from NVML. It needs no context on them and disturbs none.
type Monitor struct {
	api      C.struct_nvml
	driver   string
	watchdog time.Duration

	mu     sync.Mutex
	closed bool
}

// OpenMonitor loads and starts NVML. ErrNoDriver means that there is none.
func OpenMonitor(ctx context.Context, opts Options) (*Monitor, error) {
	opts = opts.withDefaults()
	return bounded(ctx, opts.Watchdog, "nvmlInit_v2", func() (*Monitor, error) { return openMonitor(opts) },
		func(m *Monitor) { _ = m.shutdown() })
}

func openMonitor(opts Options) (*Monitor, error) {
	m := &Monitor{watchdog: opts.Watchdog}
	path := C.CString(opts.NVML)
	defer C.free(unsafe.Pointer(path))
	var why [512]C.char
	switch C.verifyd_load_nvml(path, &m.api, &why[0], C.size_t(len(why))) {
	case C.LIBRARY_MISSING:
		return nil, fail(ErrNoDriver, "dlopen", "%s", C.GoString(&why[0]))
	case C.LIBRARY_INCOMPLETE:
		return nil, fail(ErrOldDriver, "dlsym", "%s: %s", opts.NVML, C.GoString(&why[0]))
	}
	if err := m.check("nvmlInit_v2", C.verifyd_nvmlInit(&m.api)); err != nil {
		return nil, err
	}
	var version [96]C.char
	if err := m.check("nvmlSystemGetDriverVersion", C.verifyd_nvmlSystemGetDriverVersion(&m.api, &version[0], C.uint(len(version)))); err != nil {
		return nil, errors.Join(err, m.shutdown())
	}
	m.driver = C.GoString(&version[0])
	return m, nil
}

// Driver is the version of the kernel driver, such as "550.54.15".
func (m *Monitor) Driver() string { return m.driver }

// Close stops NVML.
func (m *Monitor) Close(ctx context.Context) error {
	_, err := bounded(ctx, m.watchdog, "nvmlShutdown", func() (struct{}, error) { return struct{}{}, m.shutdown() }, nil)
	return err
}

func (m *Monitor) shutdown() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fail(ErrClosed, "nvmlShutdown", "monitor")
	}
	m.closed = true
	code := C.verifyd_nvmlShutdown(&m.api)
	if code != 0 {
		C.verifyd_nvmlShutdown(&m.api)
	}
	return m.check("nvmlShutdown", code)
}

func (m *Monitor) check(call string, code C.int) error {
	if code == 0 {
		return nil
	}
	e := &Error{Call: call, Code: int(code), Class: nvmlClass(int(code))}
	if text := C.verifyd_nvmlErrorString(&m.api, code); text != nil {
		e.Detail = C.GoString(text)
	}
	return e
}

func (m *Monitor) handle(uuid string) (C.nvmlDevice_t, error) {
	text := C.CString(uuid)
	defer C.free(unsafe.Pointer(text))
	var d C.nvmlDevice_t
	err := m.check("nvmlDeviceGetHandleByUUID", C.verifyd_nvmlDeviceGetHandleByUUID(&m.api, text, &d))
	return d, err
}

// Health reads what there is to know of the device with that UUID (see Info). What a device does not
// have, such as ECC on a consumer card, stays zero.
func (m *Monitor) Health(ctx context.Context, uuid string) (Health, error) {
	return bounded(ctx, m.watchdog, "nvmlDeviceGetTemperature", func() (Health, error) { return m.read(uuid) }, nil)
}

func (m *Monitor) read(uuid string) (Health, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var h Health
	if m.closed {
		return h, fail(ErrClosed, "", "monitor")
	}
	d, err := m.handle(uuid)
	if err != nil {
		return h, err
	}
	optional := func(call string, code C.int) (bool, error) {
		err := m.check(call, code)
		if errors.Is(err, ErrUnsupported) {
			return false, nil
		}
		return err == nil, err
	}
	const coreSensor, corrected, uncorrected, volatile = 0, 0, 1, 0
	var celsius C.uint
	if err := m.check("nvmlDeviceGetTemperature", C.verifyd_nvmlDeviceGetTemperature(&m.api, d, coreSensor, &celsius)); err != nil {
		return h, err
	}
	h.Temperature = int(celsius)
	var on, after C.int
	if _, err := optional("nvmlDeviceGetEccMode", C.verifyd_nvmlDeviceGetEccMode(&m.api, d, &on, &after)); err != nil {
		return h, err
	}
	if h.ECC = on != 0; h.ECC {
		var n C.ulonglong
		for _, kind := range []struct {
			code C.int
			to   *uint64
		}{{corrected, &h.Corrected}, {uncorrected, &h.Uncorrected}} {
			if _, err := optional("nvmlDeviceGetTotalEccErrors", C.verifyd_nvmlDeviceGetTotalEccErrors(&m.api, d, kind.code, volatile, &n)); err != nil {
				return h, err
			}
			*kind.to = uint64(n)
		}
	}
	var right, wrong, pending, failed C.uint
	if _, err := optional("nvmlDeviceGetRemappedRows", C.verifyd_nvmlDeviceGetRemappedRows(&m.api, d, &right, &wrong, &pending, &failed)); err != nil {
		return h, err
	}
	h.RowsPending, h.RowsFailed = pending != 0, failed != 0
	return h, nil
}

// Watch calls report with each critical error of the device, on a goroutine of its own, until ctx
// ends, which is no error, or NVML fails. ErrUnsupported means that the device reports none.
func (m *Monitor) Watch(ctx context.Context, uuid string, report func(Xid)) error {
	done := make(chan error, 1)
	go func() { done <- m.watch(ctx, uuid, report) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	_, err := bounded(context.WithoutCancel(ctx), m.watchdog, "nvmlEventSetWait_v2", func() (struct{}, error) { return struct{}{}, <-done }, nil)
	return err
}

func (m *Monitor) watch(ctx context.Context, uuid string, report func(Xid)) (err error) {
	const xidEvents = 8
	const timeout, wait = 10, 200 // NVML's code, and milliseconds after which ctx is looked at
	d, err := m.handle(uuid)
	if err != nil {
		return err
	}
	var set C.nvmlEventSet_t
	if err := m.check("nvmlEventSetCreate", C.verifyd_nvmlEventSetCreate(&m.api, &set)); err != nil {
		return err
	}
	defer func() {
		code := C.verifyd_nvmlEventSetFree(&m.api, set)
		if code != 0 {
			C.verifyd_nvmlEventSetFree(&m.api, set)
		}
		err = errors.Join(err, m.check("nvmlEventSetFree", code))
	}()
	if err := m.check("nvmlDeviceRegisterEvents", C.verifyd_nvmlDeviceRegisterEvents(&m.api, d, xidEvents, set)); err != nil {
		return err
	}
	for ctx.Err() == nil {
		var event C.nvmlEventData_t
		code := C.verifyd_nvmlEventSetWait_v2(&m.api, set, &event, wait)
		if code == timeout {
			continue
		}
		if err := m.check("nvmlEventSetWait_v2", code); err != nil {
			return err
		}
		if event._type == xidEvents {
			report(Xid(event.data))
		}
	}
	return nil
}
