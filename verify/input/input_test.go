//go:build unix

package input

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/verifyd/verifyd/verify/fault"
)

// TestWhatIsNoRegularFileIsRefusedAtOnce, whether it is named itself or by a link.
func TestWhatIsNoRegularFileIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	pipe, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for what, path := range map[string]string{"pipe": pipe, "socket": socket, "folder": dir, "device": "/dev/zero"} {
		link := filepath.Join(dir, "link-"+what)
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} {
			began := time.Now()
			_, err := ReadFile(name, 1<<20)
			if fault.Of(err) != fault.NotRegular || err.Error() != name+": a "+what+", want a regular file" {
				t.Errorf("%s: %v", name, err)
			}
			if root, err := OpenFolder(name); (err == nil) != (what == "folder") {
				t.Errorf("%s as a folder: %v", name, err)
			} else if err == nil {
				_ = root.Close()
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
		}
	}
}

// TestAPipePutInAFilesPlaceDoesNotBlock swaps the two while they are opened.
func TestAPipePutInAFilesPlaceDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	path, file, pipe := filepath.Join(dir, "x"), filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o600), syscall.Mkfifo(pipe, 0o600), os.Symlink(file, path)); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			next := filepath.Join(dir, "next")
			_ = os.Symlink([]string{file, pipe}[i%2], next) // what fails is tried again
			_ = os.Rename(next, path)
		}
	}()
	refused := 0
	for range 3000 {
		data, err := ReadFile(path, 100)
		switch {
		case err == nil && string(data) == "text":
		case fault.Of(err) == fault.NotRegular:
			refused++
		default:
			t.Fatalf("%q, %v", data, err)
		}
	}
	close(stop)
	<-stopped
	t.Logf("%d of 3000 were refused", refused)
}

func TestAFileIsReadWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path, 4); err != nil || string(data) != "text" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := ReadFile(path, 3); fault.Of(err) != fault.TooLarge {
		t.Errorf("%v", err)
	}
	if _, err := ReadFile(path+"x", 3); !errors.Is(err, fs.ErrNotExist) || err.Error() != "open "+path+"x: no such file or directory" {
		t.Errorf("%v", err)
	}
}
