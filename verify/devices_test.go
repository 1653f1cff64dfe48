package verify_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// Three segments of three steps and a last of two make 2+3 calls each, with one to start and one to close.
func TestADeviceThatFailsAnywhereIsReplacedAndTheFindingIsTheSame(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	honest := r.bundle(dir)
	forged := r.bundle(r.forge(cheat{state: after(3, func(m *program.Machine) { flip(m.Tensors()[0], 0) })}))
	for name, bundle := range map[string]string{"honest": honest, "forged": forged} {
		want := r.judge(bundle, r.options(kernels.Auto, 1))
		for calls := range 25 {
			o := r.options(kernels.Auto, 1)
			first := verifytest.FailAfter(newDevice(t, "first", kernels.Auto, 1), calls)
			o.Devices = append([]engine.Device{first}, newDevice(t, "second", kernels.Generic, 1), newDevice(t, "third", kernels.Auto, 1))
			failed := 0
			o.Failed = func(d engine.Device, err error) {
				if failed++; d != first || !errors.Is(err, engine.ErrDevice) {
					t.Errorf("%s: %v", d.Name(), err)
				}
			}
			v := r.judge(bundle, o)
			if v.Evidence != want.Evidence {
				t.Errorf("%s, %d calls: %+v, want %+v", name, calls, v.Finding, want.Finding)
			}
			if first.Failed() != (failed > 0) {
				t.Errorf("%s, %d calls: %d failures reported", name, calls, failed)
			}
			if calls == 0 && v.Build.Device != "second" {
				t.Errorf("%s: replayed on %q", name, v.Build.Device)
			}
			if calls == 8 && name == "honest" && v.Build.Device != "first, then second" {
				t.Errorf("%s: replayed on %q", name, v.Build.Device)
			}
		}
	}
}

func TestAVerdictNeedsADeviceThatServesAndOneThatConfirms(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	forged := r.bundle(r.forge(cheat{state: after(22, func(m *program.Machine) { flip(m.Tensors()[0], 0) })}))
	sound := newDevice(t, "sound", kernels.Auto, 1)
	lost := verifytest.FailAfter(newDevice(t, "lost", kernels.Generic, 1), 0)
	for words, devices := range map[string][]engine.Device{
		"a device and one to confirm with":                 {sound},
		"no device is left to replay on: lost: device":     {lost, lost},
		"no device is left to confirm a mismatch on\nlost": {sound, lost},
	} {
		_, err := verify.Judge(t.Context(), forged, keyOf(t, r.operator), verify.Options{Devices: devices})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	o := verify.Options{Devices: []engine.Device{lost, sound}, Failed: func(engine.Device, error) { t.Error("a device was blamed for the end of the context") }}
	if _, err := verify.Judge(stopped, forged, keyOf(t, r.operator), o); err == nil {
		t.Error("judged after the end of the context")
	}
}

func TestTheSizeOfTheReadAheadDoesNotShow(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	o := r.options(kernels.Auto, 1)
	want := r.judge(bundle, o)
	for _, o.ReadAhead = range []int{1, 600 << 10, 64 << 20} {
		if v := r.judge(bundle, o); v.Evidence != want.Evidence {
			t.Errorf("%d bytes: %+v", o.ReadAhead, v.Finding)
		}
	}
}
