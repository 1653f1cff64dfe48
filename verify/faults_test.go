package verify_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/testdata/vectors"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// cells is SPEC.md's table of files and faults: what is allowed, by file and fault.
func cells(t testing.TB) map[string]map[string]string {
	t.Helper()
	const first = "| file | missing | damaged | malformed | another's | late |"
	_, table, ok := strings.Cut(string(read(t, "SPEC.md")), first)
	if !ok {
		t.Fatalf("SPEC.md has no table %s", first)
	}
	all := map[string]map[string]string{}
	for _, line := range strings.Split(strings.TrimPrefix(table, "\n"), "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		row := strings.Split(strings.Trim(line, "| "), " | ")
		file := quotedFile.FindStringSubmatch(row[0])[1]
		all[file] = map[string]string{}
		for i, name := range []string{"missing", "damaged", "malformed", "another's", "late"} {
			all[file][name] = strings.ReplaceAll(row[i+1], "a document's", "bad-form, not-canonical, wrong-type, bad-key, bad-signature")
		}
	}
	return all
}

var quotedFile = regexp.MustCompile("^`([^`]+)`")

// rowOf is the file's row in the table.
func rowOf(file string) string {
	if strings.HasPrefix(file, verify.OpeningsDir) && file != verify.SlicesFile {
		return "openings/..."
	}
	return file
}

var words = regexp.MustCompile("[a-z]+(-[a-z]+)*")

// allows says whether a cell has a class, or a FAIL with a reason.
func allows(cell string, class fault.Class, reason verify.Reason) bool {
	if reason != "" {
		return strings.Contains(cell, "FAIL `"+string(reason)+"`")
	}
	plain := regexp.MustCompile("FAIL `[a-z-]+`").ReplaceAllString(cell, "")
	return slices.Contains(words.FindAllString(plain, -1), string(class))
}

// faultyFile is a file with a fault.
type faultyFile struct {
	file, fault string
	data        []byte // nil: it is missing
}

// faultyFiles are the faults that a bundle may meet on its way, with so many bits of each file flipped, given others' bundles whose files may take its files' places.
func faultyFiles(bundle map[string][]byte, flips int, others ...map[string][]byte) (all []faultyFile) {
	for _, file := range slices.Sorted(maps.Keys(bundle)) {
		data := bundle[file]
		all = append(all, faultyFile{file, "missing", nil}, faultyFile{file, "damaged", data[:len(data)/2]}, faultyFile{file, "damaged", []byte{}})
		for i := range flips {
			damaged := bytes.Clone(data)
			damaged[(i*len(data)/flips+i)%len(data)] ^= 1 << (i % 8)
			all = append(all, faultyFile{file, "damaged", damaged})
		}
		for _, other := range others {
			if another, ok := other[file]; ok && !bytes.Equal(statement(another), statement(data)) {
				all = append(all, faultyFile{file, "another's", another})
			}
		}
	}
	return all
}

// statement is what a file says, whoever signed it when.
func statement(data []byte) []byte {
	if _, payload, ok := bytes.Cut(data, []byte(`"payload":"`)); ok {
		said, _, _ := bytes.Cut(payload, []byte(`"`))
		return said
	}
	return data
}

func TestEveryFaultOfEveryFileIsWhatTheTableSays(t *testing.T) {
	table := cells(t)
	small := func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 4, 2, job.Exactly(2) }
	r := newRig(t, mlp(), blobs(t, 12, 7), small)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	path := r.bundle(dir)
	later := *r // the same claim, received and opened again
	later.arrived = arrived.Add(time.Minute)
	slot := must(verifytest.NewPool(t.Context(), verifytest.Setting{Operator: r.operator, Worker: r.worker, Program: mlp(), Data: r.data, Job: small}))(t)
	wide := mlp()
	wide.BatchSize--
	elsewhere := must(verifytest.NewPool(t.Context(), verifytest.Setting{
		Operator: r.operator, Worker: newKey(t, 3), Program: wide, Data: r.data, Slot: 1, Secret: merkle.Hash{9}, Job: small,
	}))(t)
	others := []map[string][]byte{load(t, later.bundle(dir))}
	for _, p := range []*verifytest.Pool{slot, elsewhere} { // another slot of the worker, another job of the operator
		from := filepath.Join(t.TempDir(), "other")
		must(p.Train(t.Context(), newDevice(t, "cpu", kernels.Auto, 1), from+"-trace"))(t)
		if err := p.Bundle(t.Context(), from+"-trace", from); err != nil {
			t.Fatal(err)
		}
		others = append(others, load(t, from))
	}
	met := map[string]int{}
	r.faulty(met, path, 24, others, func(file, fault string) string { return table[rowOf(file)][fault] })

	w := newWatched(t)
	again := *w
	other := *w.rig
	again.rig = &other
	again.arrived = arrived.Add(time.Minute)
	dated := []map[string][]byte{load(t, again.dated(again.rig.bundle(w.trace)))}
	w.faulty(met, w.bundle, 8, dated, func(file, fault string) string { return table[rowOf(file)][fault] })

	drawn := newRegistered(t) // where the chain has rounds
	drawn.faulty(met, drawn.bundle, 8, []map[string][]byte{load(t, newRegisteredOf(t, 3).bundle)}, func(file, fault string) string { return table[rowOf(file)][fault] })

	onBase, _ := based(t, 5, small)
	onOther, _ := based(t, 6, small)
	var bundles []string
	for _, b := range []*rig{onBase, onOther} {
		dir, _ := b.train(newCPU(t, kernels.Auto, 1))
		bundles = append(bundles, b.bundle(dir))
	}
	onBase.faulty(met, bundles[0], 4, []map[string][]byte{{verify.BaseFile: read(t, bundles[1], verify.BaseFile)}}, func(file, fault string) string { return table[rowOf(file)][fault] })

	alone := copyBundle(t, w.bundle) // what the operator did not receive
	remove(t, alone, verify.OpenedFile, verify.OpenedProofFile)
	w.entered(w.log, alone, lastOpening, w.by...)
	proof := filepath.Join(alone, verify.OpeningProofFile)
	_, logs, _ := strings.Cut(string(read(t, proof)), "\n\n— ")
	logs, _, _ = strings.Cut(logs, "\n") // nobody asks for the log's own signature
	write(t, proof, bytes.Replace(read(t, proof), []byte("— "+logs+"\n"), nil, 1))
	w.faulty(met, alone, 8, dated, func(file, fault string) string {
		if file == verify.OpeningFile || strings.HasPrefix(file, verify.OpeningsDir) {
			file = verify.OpeningProofFile
		}
		return table[rowOf(file)][fault]
	})
	for file, row := range table {
		for _, name := range []string{"missing", "damaged", "another's"} {
			if row[name] != "-" && met[file+" "+name] == 0 && file+name != verify.OpeningProofFile+"another's" { // see TestWhatTheWorkerCannotShowIsSilence
				t.Errorf("%s was never %s", file, name)
			}
		}
	}
}

// faulty judges a bundle with every fault of every file, before and past its deadline.
func (r *rig) faulty(met map[string]int, path string, flips int, others []map[string][]byte, cell func(file, fault string) string) {
	r.t.Helper()
	for _, f := range faultyFiles(load(r.t, path), flips, others...) {
		b := copyBundle(r.t, path)
		file := filepath.Join(b, f.file)
		if err := os.Remove(file); err != nil {
			r.t.Fatal(err)
		}
		if f.data != nil {
			write(r.t, file, f.data)
		}
		cell := cell(f.file, f.fault)
		for _, now := range []time.Time{{}, arrived.Add(1000 * time.Hour)} {
			o := r.options(kernels.Auto, 1)
			o.Now = now
			v, err := verify.Judge(r.t.Context(), b, keyOf(r.t, r.operator), o)
			var reason verify.Reason
			if err == nil {
				reason = v.Finding.Reason
			}
			if reason == verify.Honest || !allows(cell, fault.Of(err), reason) {
				r.t.Errorf("%s %s, judged at %v: %q %v; the table has %q", f.file, f.fault, now, reason, err, cell)
			}
		}
		met[rowOf(f.file)+" "+f.fault]++
	}
}

func TestEveryVectorIsWhereTheTableHasItsFault(t *testing.T) {
	table := cells(t)
	anywhere := []fault.Class{fault.NotRegular, fault.TooLarge, fault.UnknownVersion, fault.WrongType, fault.BadKey, fault.OutOfRange}
	met := map[string]bool{}
	for _, v := range must(vectors.All())(t) {
		row := table[rowOf(v.File)]
		class := fault.Class(v.Class)
		if reason, failed := strings.CutPrefix(v.Facts["verdict"], "FAIL "); failed {
			for file := range v.Files {
				for name, cell := range table[rowOf(file)] {
					if allows(cell, "", verify.Reason(reason)) {
						met[rowOf(file)+" "+name] = true
					}
				}
			}
		}
		if v.File == "" || class == "" || slices.Contains([]fault.Side{fault.Machine, fault.Nobody}, class.Blames()) || slices.Contains(anywhere, class) {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(row)), func(cell string) bool { return allows(cell, class, "") }) {
			t.Errorf("%s: %s is %s, which its row has nowhere: %v", v.Name, v.File, class, row)
		}
	}
	for file, row := range table {
		for name, cell := range row {
			if strings.HasPrefix(cell, "FAIL") && !met[file+" "+name] {
				t.Errorf("no vector fails for %s", fmt.Sprintf("%s that is %s", file, name))
			}
		}
	}
}
