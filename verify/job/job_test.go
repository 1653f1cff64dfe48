package job

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

func newKey(t testing.TB, number byte) (*ecdsa.PrivateKey, document.Key) {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{number}, 32))
	if err != nil {
		t.Fatal(err)
	}
	key, err := document.NewKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

func sample(t testing.TB) Job {
	t.Helper()
	_, key := newKey(t, 1)
	return Job{
		Version: Version, Profile: kernels.ProfileF32, Merkle: merkle.Version, State: state.Version,
		Operator: key, Pool: merkle.Hash{1}, Audience: merkle.Hash{2}, Policy: merkle.Hash{3},
		Program: merkle.Hash{4}, Data: Data{merkle.Hash{5}, 1797, nil, Layout{Tokens: &Tokens{safetensors.U16, 8, 8}}}, Issued: 1_700_000_000, Order: Rule,
		Init: Init{Root: merkle.Hash{7}, Seed: 1<<64 - 1}, Seed: 9, Gate: gate.Version, Curve: merkle.Hash{8}, Steps: 100, Stride: 7, Slots: 4, Sampled: Range{3, 5}, Audit: 10_000, Hold: 7, Period: 1_000_000,
		Beacon: beacon.Chain{Name: beacon.Quicknet}, Delay: 6, Deadline: 600,
	}
}

func TestAJobComesBackFromItsFile(t *testing.T) {
	private, key := newKey(t, 1)
	j := sample(t)
	file, err := Sign(j, private)
	if err != nil {
		t.Fatal(err)
	}
	back, digest, err := Read("job.json", file, key)
	if err != nil || !reflect.DeepEqual(*back, j) {
		t.Fatalf("%+v, %v", back, err)
	}
	const want = "52e9421b5cf2e3701cd139980ad07e837ceebaeddafee12305055a797ca7308d"
	if digest.String() != want {
		t.Errorf("digest %v, want %v: the encoding of jobs has changed", digest, want)
	}
	if _, other := newKey(t, 2); other == key {
		t.Fatal("keys are equal")
	} else if _, _, err := Read("job.json", file, other); err == nil {
		t.Error("opened with another operator's key")
	}
}

// goesOn begins where the sample job does, with counters.
func goesOn(c state.Counters) *Final {
	return &Final{Committed: Committed{Root: merkle.Hash{7}, Size: 1}, Counters: &c}
}

func TestAJobThatStartsFromFilesComesBackFromItsOwn(t *testing.T) {
	private, key := newKey(t, 1)
	j := sample(t)
	j.Init.Base = &Committed{merkle.Hash{3}, 1000, []string{"https://host/base.safetensors", "http://[::1]:8080/b?c=d"}}
	j.Init.Final = goesOn(state.Counters{Step: 1 << 31, RNG: 1 << 31, Cursor: 1 << 62, Assignment: merkle.Hash{1}})
	file, err := Sign(j, private)
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := Read("job.json", file, key)
	if err != nil || !reflect.DeepEqual(*back, j) {
		t.Fatalf("%+v, %v", back, err)
	}
	const fields = `"init":{"root":"0700000000000000000000000000000000000000000000000000000000000000","seed":"18446744073709551615","base":{"root":"0300000000000000000000000000000000000000000000000000000000000000","size":1000,"urls":["https://host/base.safetensors","http://[::1]:8080/b?c=d"]},"final":{"root":"0700000000000000000000000000000000000000000000000000000000000000","size":1,"counters":{"step":2147483648,"rng":2147483648,"cursor":4611686018427387904,"assignment":"0100000000000000000000000000000000000000000000000000000000000000"}}}`
	if text, err := document.Encode(j); err != nil || !bytes.Contains(text, []byte(fields)) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestEachFieldOfAJobIsChecked(t *testing.T) {
	private, _ := newKey(t, 1)
	classes := map[string]fault.Class{
		"version: \"verifyd-job/2\"": fault.UnknownVersion,
		"profile: unknown":           fault.Unsupported,
		"merkle":                     fault.Unsupported,
		"state":                      fault.Unsupported,
		"order":                      fault.Unsupported,
		"gate: \"verifyd-gate/2\"":   fault.UnknownVersion,
		"gate: \"\"":                 fault.UnknownVersion,
		"beacon: chain \"lottery\"":  fault.Unsupported,
		"operator":                   fault.BadKey,
	}
	for words, spoil := range map[string]func(*Job){
		"version: \"verifyd-job/2\"":      func(j *Job) { j.Version = "verifyd-job/2" },
		"profile: unknown":                func(j *Job) { j.Profile = 0 },
		"merkle":                          func(j *Job) { j.Merkle = "verifyd-merkle/0" },
		"state":                           func(j *Job) { j.State = "" },
		"order":                           func(j *Job) { j.Order = "claimed" },
		"gate: \"verifyd-gate/2\"":        func(j *Job) { j.Gate = "verifyd-gate/2" },
		"gate: \"\"":                      func(j *Job) { j.Gate = "" },
		"pool: zero":                      func(j *Job) { j.Pool = merkle.Hash{} },
		"audience: zero":                  func(j *Job) { j.Audience = merkle.Hash{} },
		"program: zero":                   func(j *Job) { j.Program = merkle.Hash{} },
		"curve: zero":                     func(j *Job) { j.Curve = merkle.Hash{} },
		"data.root: zero":                 func(j *Job) { j.Data.Root = merkle.Hash{} },
		"init.root: zero":                 func(j *Job) { j.Init.Root = merkle.Hash{} },
		"init: base: root: zero":          func(j *Job) { j.Init.Base = &Committed{Size: 1} },
		"init: base: size: 0":             func(j *Job) { j.Init.Base = &Committed{Root: merkle.Hash{1}} },
		"init: base: size: 1099511627777": func(j *Job) { j.Init.Base = &Committed{Root: merkle.Hash{1}, Size: MaxFile + 1} },
		"init: base: urls: 9":             func(j *Job) { j.Init.Base = &Committed{merkle.Hash{1}, 1, make([]string, 9)} },
		"init: base: urls[1]: \"file:///etc/passwd\"": func(j *Job) {
			j.Init.Base = &Committed{merkle.Hash{1}, 1, []string{"https://a/b", "file:///etc/passwd"}}
		},
		"init: base: urls[0]: \"/etc/passwd\"":     func(j *Job) { j.Init.Base = &Committed{merkle.Hash{1}, 1, []string{"/etc/passwd"}} },
		"init: base: urls[0]: \"https://u:p@a/b\"": func(j *Job) { j.Init.Base = &Committed{merkle.Hash{1}, 1, []string{"https://u:p@a/b"}} },
		"init: base: urls[0]: 1025 characters": func(j *Job) {
			j.Init.Base = &Committed{merkle.Hash{1}, 1, []string{"https://a/" + strings.Repeat("b", 1015)}}
		},
		"init: final: root: zero": func(j *Job) { j.Init.Final = &Final{} },
		"init: final: root: 09": func(j *Job) {
			j.Init.Final = goesOn(state.Counters{Step: 1, Cursor: 1, Assignment: merkle.Hash{1}})
			j.Init.Final.Root = merkle.Hash{9}
		},
		"init: final: counters: step: 0": func(j *Job) { j.Init.Final = goesOn(state.Counters{Cursor: 1, Assignment: merkle.Hash{1}}) },
		"init: final: counters: step: 2147483649": func(j *Job) {
			j.Init.Final = goesOn(state.Counters{Step: 1<<31 + 1, Cursor: 1, Assignment: merkle.Hash{1}})
		},
		"init: final: counters: rng: 2147483649": func(j *Job) {
			j.Init.Final = goesOn(state.Counters{Step: 1, RNG: 1<<31 + 1, Cursor: 1, Assignment: merkle.Hash{1}})
		},
		"init: final: counters: assignment: zero": func(j *Job) { j.Init.Final = goesOn(state.Counters{Step: 1, Cursor: 1}) },
		"data.own: root and":                      func(j *Job) { j.Data.Own = &Own{1, 2} },
		"data.own: 0":                             func(j *Job) { j.Data.Root, j.Data.Samples, j.Data.Own = merkle.Hash{}, 0, &Own{0, 2} },
		"data.own: most 1":                        func(j *Job) { j.Data.Root, j.Data.Samples, j.Data.Own = merkle.Hash{}, 0, &Own{2, 1} },
		"data.own: most 4294967297":               func(j *Job) { j.Data.Root, j.Data.Samples, j.Data.Own = merkle.Hash{}, 0, &Own{2, MaxRows + 1} },
		"data.samples: 0":                         func(j *Job) { j.Data.Samples = 0 },
		"data.samples: 4294967297":                func(j *Job) { j.Data.Samples = MaxRows + 1 },
		"steps: 0":                                func(j *Job) { j.Steps = 0 },
		"steps: 16777217":                         func(j *Job) { j.Steps = MaxSteps + 1 },
		"stride: 0":                               func(j *Job) { j.Stride = 0 },
		"stride: 1025":                            func(j *Job) { j.Stride = MaxStride + 1 },
		"slots: 0":                                func(j *Job) { j.Slots = 0 },
		"sampled.least: 0":                        func(j *Job) { j.Sampled.Least = 0 },
		"sampled.most: 4097":                      func(j *Job) { j.Sampled.Most = MaxSampled + 1 }, "sampled.most: 2 is outside 3": func(j *Job) { j.Sampled.Most = 2 }, "issued": func(j *Job) { j.Issued = 0 }, "issued: 18446744073709551615": func(j *Job) { j.Issued = -1 }, "audit: 1000001": func(j *Job) { j.Audit = Millionths + 1 }, "hold": func(j *Job) { j.Hold = MaxHold + 1 }, "delay: 5 is outside 6": func(j *Job) { j.Delay = 5 }, "delay: 0 is outside 6": func(j *Job) { j.Delay = 0 }, "log: key": func(j *Job) { j.Log = &Log{Key: "log"} },
		"audit: 0":                     func(j *Job) { j.Audit = 0 },
		"period: 605 is outside 606":   func(j *Job) { j.Period = 605 },
		"period: 0 is outside 606":     func(j *Job) { j.Period = 0 },
		"period: 1000000 is outside 0": func(j *Job) { j.Hold = 0 },
		"delay":                        func(j *Job) { j.Delay = MaxWindow + 1 },
		"deadline: 0":                  func(j *Job) { j.Deadline = 0 },
		"beacon: chain \"lottery\"":    func(j *Job) { j.Beacon.Name = "lottery" },
		"operator":                     func(j *Job) { j.Operator = document.Key{} },
		"operator: the manifest name":  func(j *Job) { _, j.Operator = newKey(t, 2) },
	} {
		j := sample(t)
		spoil(&j)
		_, err := Sign(j, private)
		if err == nil || !strings.HasPrefix(err.Error(), "job: "+words) {
			t.Errorf("%q: %v", words, err)
		}
		want, ok := classes[words]
		if !ok {
			want = fault.BadTerms
		}
		if got := fault.Of(err); got != want {
			t.Errorf("%v is of class %s, want %s", err, got, want)
		}
	}
}

func TestAJobOfAnUnknownProfileIsRefusedByName(t *testing.T) {
	private, key := newKey(t, 1)
	known, err := document.Encode(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"drn1/oz8x9", "", "none", "DRN1/f32"} {
		other := bytes.Replace(known, []byte(`"drn1/f32"`), []byte(`"`+name+`"`), 1)
		file, err := document.Sign(Kind, json.RawMessage(other), private)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("job.json: profile: unknown numeric profile %q", name)
		if _, _, err := Read("job.json", file, key); !errors.Is(err, kernels.ErrProfile) || fault.Of(err) != fault.Unsupported || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}

func TestAJobInAnotherOperatorsNameIsRefused(t *testing.T) {
	private, key := newKey(t, 2)
	file, err := document.Sign(Kind, sample(t), private) // names key 1
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read("job.json", file, key); err == nil || !strings.Contains(err.Error(), "job.json: operator") {
		t.Error(err)
	}
}

func TestSegmentsTileTheSteps(t *testing.T) {
	for _, c := range []struct{ steps, stride, segments, last uint64 }{{1, 1, 1, 1}, {10, 3, 4, 1}, {9, 3, 3, 3}, {5, 100, 1, 5}} {
		j := Job{Steps: c.steps, Stride: c.stride}
		if j.Segments() != c.segments {
			t.Errorf("%+v: %d segments", c, j.Segments())
		}
		next := uint64(0)
		for i := range j.Segments() {
			first, count := j.Segment(i)
			if first != next || count == 0 {
				t.Errorf("%+v: segment %d begins at %d with %d", c, i, first, count)
			}
			next = first + count
			if i == c.segments-1 && (count != c.last || next != c.steps) {
				t.Errorf("%+v: the last segment has %d", c, count)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	private, key := newKey(f, 1)
	file, err := Sign(sample(f), private)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, data []byte) {
		if j, _, err := Read("f", data, key); err == nil && j.Check() != nil {
			t.Fatal("a job that does not check was opened")
		}
	})
}

// FuzzManifest reads manifests without the signature, which no fuzzer can forge.
func FuzzManifest(f *testing.F) {
	payload, err := document.Encode(sample(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := document.Decode[Job]("f", data)
		if err != nil || j.Check() != nil {
			return
		}
		if n := j.Segments(); n == 0 {
			t.Fatal("a job without segments checks")
		}
	})
}
