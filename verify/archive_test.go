package verify_test

import (
	"archive/tar"
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
)

// archived writes a tar file with the entries that write adds.
func archived(t testing.TB, write func(w *tar.Writer)) string {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bundle.tar")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// add adds files under a prefix.
func add(t testing.TB, w *tar.Writer, format tar.Format, prefix string, files map[string][]byte) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: prefix + name, Size: int64(len(files[name])), Mode: 0o644, Format: format, Typeflag: tar.TypeReg}
		if format == tar.FormatPAX {
			h.ModTime = time.Unix(1_790_000_000, 5)
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.mac": "x"}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnArchiveIsJudgedLikeItsFolderWhoeverMadeIt(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps = 6 })
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	all := load(t, bundle)
	o := r.options(kernels.Auto, 1)
	want := r.judge(bundle, o)
	paths := map[string]string{}
	for name, format := range map[string]tar.Format{"ustar": tar.FormatUSTAR, "pax": tar.FormatPAX, "gnu": tar.FormatGNU} {
		for _, prefix := range []string{"", "./", "bundle/", "./bundle/", "/bundle/"} {
			paths[name+" with "+prefix] = archived(t, func(w *tar.Writer) {
				if err := w.WriteHeader(&tar.Header{Name: "./" + prefix, Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
					t.Fatal(err)
				}
				add(t, w, tar.FormatUSTAR, "._", map[string][]byte{"job.json": {1}}) // as macOS does
				add(t, w, format, prefix, all)
				add(t, w, tar.FormatUSTAR, prefix, map[string][]byte{"notes/job.json": {1}, "proof.json": {2}})
			})
		}
	}
	for name, arguments := range map[string][]string{
		"tar of what is in the folder": {"-C", bundle, "."},
		"tar of the folder":            {"-C", filepath.Dir(bundle), filepath.Base(bundle)},
	} {
		path := filepath.Join(t.TempDir(), "bundle.tar")
		if out, err := exec.Command("tar", append([]string{"-cf", path}, arguments...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		paths[name] = path
	}
	for name, path := range paths {
		if v := r.judge(path, o); v.Evidence != want.Evidence {
			t.Errorf("%s: %+v", name, v.Finding)
		}
	}
}

func TestAnArchiveThatIsNotOneBundleIsRefused(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps = 6 })
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	all := load(t, r.bundle(dir))
	whole := read(t, archived(t, func(w *tar.Writer) { add(t, w, tar.FormatUSTAR, "", all) }))
	entry := func(w *tar.Writer, h tar.Header) {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	plain := func(data []byte) string {
		path := filepath.Join(t.TempDir(), "bundle.tar")
		write(t, path, data)
		return path
	}
	for words, path := range map[string]string{
		"twice in the archive":             archived(t, func(w *tar.Writer) { add(t, w, tar.FormatPAX, "", all); add(t, w, tar.FormatPAX, "./", all) }),
		`job.json: in folders "a" and "b"`: archived(t, func(w *tar.Writer) { add(t, w, tar.FormatPAX, "a/", all); add(t, w, tar.FormatPAX, "b/", all) }),
		"claim.json: not a regular file": archived(t, func(w *tar.Writer) {
			entry(w, tar.Header{Name: "claim.json", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
		}),
		"receipt.json: not a regular file": archived(t, func(w *tar.Writer) {
			entry(w, tar.Header{Name: "receipt.json", Typeflag: tar.TypeLink, Linkname: "job.json"})
		}),
		"beacon.json: not a regular file":   archived(t, func(w *tar.Writer) { entry(w, tar.Header{Name: "beacon.json", Typeflag: tar.TypeFifo}) }),
		"job.json: the file is missing":     archived(t, func(w *tar.Writer) { add(t, w, tar.FormatUSTAR, "", map[string][]byte{"a": nil}) }),
		"more than 32768 entries":           archived(t, func(w *tar.Writer) { many(t, w) }),
		"unexpected EOF":                    plain(whole[:len(whole)/2]),
		"tar":                               plain(bytes.Repeat([]byte("no tar "), 1000)),
		"program.json: the file is missing": archived(t, func(w *tar.Writer) { add(t, w, tar.FormatUSTAR, "", map[string][]byte{"job.json": all["job.json"]}) }),
	} {
		v, err := verify.Judge(t.Context(), path, keyOf(t, r.operator), r.options(kernels.Auto, 1))
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, %v", words, v, err)
		}
	}
}

func many(t testing.TB, w *tar.Writer) {
	for range 1<<15 + 1 {
		if err := w.WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzOpenArchive(f *testing.F) {
	f.Add(read(f, archived(f, func(w *tar.Writer) { add(f, w, tar.FormatPAX, "b/", map[string][]byte{"job.json": {1}}) })))
	f.Add(read(f, archived(f, func(w *tar.Writer) { add(f, w, tar.FormatGNU, "", map[string][]byte{"leaves.bin": make([]byte, 700)}) })))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "bundle.tar")
		write(t, path, data)
		a, err := verify.OpenArchive(path)
		if err != nil {
			return
		}
		defer a.Close()
		for _, name := range []string{verify.JobFile, verify.LeavesFile} {
			file, err := a.Open(t.Context(), name)
			if err != nil {
				continue
			}
			if _, err := file.ReadAt(make([]byte, file.Size()), 0); err != nil {
				t.Fatalf("%s: %d bytes that are not there: %v", name, file.Size(), err)
			}
		}
	})
}
