package verify_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/testdata/vectors"
	"github.com/verifyd/verifyd/verify/verifytest"
)

var updateVectors = flag.Bool("update", false, "write testdata/vectors anew")

const vectorFolder = "testdata/vectors"

// spoiled is the source of a vector's bundle.
type spoiled struct {
	verify.Source
	unreadable, swap string // files
	with             []byte // what is swapped in
	opened           int
}

func (s *spoiled) Open(ctx context.Context, name string) (verify.File, error) {
	switch name {
	case s.unreadable:
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("input/output error")}
	case s.swap:
		if s.opened++; s.opened > 1 {
			return inMemory{bytes.NewReader(s.with)}, nil
		}
	}
	return s.Source.Open(ctx, name)
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// judgeVector does what a vector says with the bundle in dir, which it may change.
func judgeVector(t *testing.T, dir string, v vectors.Vector) (*verify.Verdict, error) {
	t.Helper()
	listed, swapped := v.Facts["conclude"], v.Facts["swap"]
	for name, data := range v.Files {
		if name != listed && name != swapped {
			write(t, filepath.Join(dir, name), data)
		}
	}
	for _, fact := range []string{"remove", "link", "folder"} {
		name, ok := v.Facts[fact]
		if !ok {
			continue
		}
		path := filepath.Join(dir, name)
		err := os.Remove(path)
		switch fact {
		case "link":
			err = errors.Join(err, os.Symlink(path, path))
		case "folder":
			err = errors.Join(err, os.Mkdir(path, 0o755))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if name, to, ok := strings.Cut(v.Facts["grow"], " "); ok {
		data := read(t, dir, name)
		write(t, filepath.Join(dir, name), append(data, bytes.Repeat([]byte(" "), int(number(t, to))-len(data))...))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if v.Facts["context"] == "cancelled" {
		cancel()
	}
	folder, err := verify.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	operator := keyOf(t, newKey(t, 1))
	c, err := verify.OpenCase(ctx, &spoiled{folder, v.Facts["unreadable"], swapped, v.Files[swapped], 0}, operator)
	if err != nil {
		return nil, err
	}
	if listed != "" {
		var results []verify.Result
		if err := json.Unmarshal(v.Files[listed], &results); err != nil {
			t.Fatal(err)
		}
		return c.Conclude(results)
	}
	o := verify.Options{MaxMemory: uint64(number(t, v.Facts["memory"]))}
	if now := number(t, v.Facts["now"]); now > 0 {
		o.Now = time.Unix(now, 0)
	}
	for i, isa := range []kernels.ISA{kernels.Auto, kernels.Generic} {
		d := newDevice(t, fmt.Sprint("device ", i), isa, 1)
		if v.Facts["devices"] == "lost" {
			d = verifytest.FailAfter(d, 0)
		}
		o.Devices = append(o.Devices, d)
	}
	return c.Judge(ctx, o)
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVectorsAreRefusedByClassFileAndField(t *testing.T) {
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bundle")
			if err := os.CopyFS(dir, must(v.Bundle())(t)); err != nil {
				t.Fatal(err)
			}
			verdict, err := judgeVector(t, dir, v)
			if err == nil {
				f := verdict.Finding
				if got := fmt.Sprintf("%s %s", f.Outcome, f.Reason); got != v.Facts["verdict"] || verdict.Evidence.String() != v.Facts["evidence"] {
					t.Errorf("%s, evidence %v; want class %q, verdict %q", got, verdict.Evidence, v.Class, v.Facts["verdict"])
				}
				return
			}
			var e *fault.Error
			file, field := "", ""
			if errors.As(err, &e) {
				file, field = e.File, e.Field
			}
			if got := string(fault.Of(err)); got != v.Class || file != v.File || field != v.Field {
				t.Errorf("%s in file %q, field %q; want %s, %q, %q: %v", got, file, field, v.Class, v.File, v.Field, err)
			}
			if fault.Of(err).Blames() != fault.Machine && strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("not one clear line: %q", err)
			}
		})
	}
}

func TestEveryClassOfTheSpecificationHasAVectorAndIsAClassHere(t *testing.T) {
	var said, known []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z-]+) \| [^|]+ \| (bundle|operator|nobody|machine) \|$`).FindAllSubmatch(read(t, "SPEC.md"), -1) {
		said = append(said, string(row[1])+" blames "+string(row[2]))
	}
	triggered := map[string]bool{}
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		triggered[v.Class] = true
	}
	for _, class := range verify.Classes() {
		known = append(known, string(class)+" blames "+string(class.Blames()))
		// What is not finite, a worker meets in its own training; in a claim it is a FAIL.
		if !triggered[string(class)] && class != verify.ClassNotFinite {
			t.Errorf("no vector is refused as %s", class)
		}
		delete(triggered, string(class))
	}
	if !slices.Equal(said, known) {
		t.Errorf("SPEC.md lists\n%s\nand the code\n%s", strings.Join(said, "\n"), strings.Join(known, "\n"))
	}
	if delete(triggered, ""); len(triggered) > 0 {
		t.Errorf("vectors of unknown classes: %v", triggered)
	}
}

// TestVectorsAreTheOnesThatTheirGeneratorWrites keeps the files and the code that explains them together. Run
// with -update to write them.
func TestVectorsAreTheOnesThatTheirGeneratorWrites(t *testing.T) {
	g, logged, registered := newGenerator(t, "bundle"), newGenerator(t, "logged"), newGenerator(t, "registered")
	want := map[string][]byte{}
	for _, of := range []*generator{g, logged, registered} {
		for name, data := range of.bundle {
			want[of.name+"/"+name] = data
		}
	}
	for _, v := range slices.Concat(g.rows(), logged.dates(), registered.registrations()) {
		if want[v.Name+".txt"] != nil {
			t.Errorf("two vectors with the name %s", v.Name)
		}
		want[v.Name+".txt"] = textOf(v)
	}
	if *updateVectors {
		old, _ := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
		for _, path := range append(old, filepath.Join(vectorFolder, g.name), filepath.Join(vectorFolder, logged.name), filepath.Join(vectorFolder, registered.name)) {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		for name, data := range want {
			path := filepath.Join(vectorFolder, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, path, data)
		}
	}
	have := load(t, vectorFolder)
	delete(have, "README.md")
	delete(have, "vectors.go")
	for name := range maps.Keys(want) {
		if !bytes.Equal(have[name], want[name]) {
			t.Errorf("%s differs from what is generated", name)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("%s is generated by nothing", name)
	}
}

// textOf is a vector's file.
func textOf(v vectors.Vector) []byte {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	line("comment", v.Comment)
	line("class", v.Class)
	line("file", v.File)
	line("field", v.Field)
	for _, key := range slices.Sorted(maps.Keys(v.Facts)) {
		line(key, v.Facts[key])
	}
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		data := v.Files[name]
		if strings.HasSuffix(name, ".json") && !bytes.Contains(data, []byte("\n")) && !bytes.HasPrefix(data, []byte(" ")) {
			fmt.Fprintf(&b, "\ntext %s\n%s\n", name, data)
			continue
		}
		fmt.Fprintf(&b, "\nhex %s\n", name)
		for part := range slices.Chunk(data, 32) {
			fmt.Fprintln(&b, hex.EncodeToString(part))
		}
	}
	return []byte(b.String())
}
