package crashtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Tracer runs a process and stops it at every system call of every thread.
// It counts those that change files below a folder, in the order in which the
// process makes them, and interferes with one of them.
//
// What it counts is all that matters to a kill: between two of these calls the
// files stay as they are, whatever else the process does.
type Tracer struct {
	Folder string // what is below it is counted
	// At is called before a counted call is made, with its number from 1 on.
	At func(number int) Action
	// Bytes and Names say of a path whether what is promised rests on what is
	// written there, and on its being there.
	Bytes, Names func(path string) bool
	// Unsynced is called if the process writes a line to its standard output
	// while something of that is not synced: the file's path, the name's folder.
	Unsynced func(line string, what []string)

	Number int             // of calls counted, when Run has returned
	dirty  map[string]bool // paths written and not synced
	ending map[int]call    // calls that threads are in
}

// Action is what becomes of a call.
type Action int

// The actions.
const (
	Proceed Action = iota
	Kill           // the process ends before it
	Fail           // it is not made and returns EIO
)

type call struct {
	nr   uint64
	path string
	fail bool
}

// syscallInfo is Linux's struct ptrace_syscall_info (ptrace(2)), which is the
// same on every architecture.
type syscallInfo struct {
	op   uint8
	_    [3]byte
	arch uint32
	ip   uint64
	sp   uint64
	data [10]uint64 // nr and args on entry; result on exit
}

const (
	ptraceGetSyscallInfo = 0x420e
	infoEntry            = 1
	infoExit             = 2
)

// Run runs the command to its end and returns what it wrote to its standard
// output.
func (tr *Tracer) Run(t testing.TB, cmd *exec.Cmd) (output string, state syscall.WaitStatus) {
	t.Helper()
	tr.Number, tr.dirty, tr.ending = 0, map[string]bool{}, map[int]call{}
	runtime.LockOSThread() // ptrace belongs to a thread
	defer runtime.UnlockOSThread()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var stderr bytes.Buffer
	errs, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	cmd.Stdout, cmd.Stderr = w, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) && os.Getenv("VERIFYD_CI") == "" {
		t.Skip("no process may be traced here")
	} else if err != nil {
		t.Fatal(err)
	}
	w.Close()
	read := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r)
		read <- b.String()
	}()
	pid := cmd.Process.Pid
	if _, err := syscall.Wait4(pid, &state, syscall.WALL, nil); err != nil {
		t.Fatal(err)
	}
	if !state.Stopped() {
		t.Fatalf("the traced process did not stop at its start: %v", state)
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		t.Fatalf("ptrace: %v", err)
	}
	resume(pid, 0)
	for {
		tid, err := syscall.Wait4(-pid, &state, syscall.WALL, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			t.Fatalf("waiting for the traced process: %v", err)
		}
		switch {
		case state.Exited() || state.Signaled():
			if tid != pid {
				continue
			}
			if state.Exited() && state.ExitStatus() != 0 {
				said, _ := os.ReadFile(errs.Name())
				stderr.Write(said)
				t.Logf("the traced process: exit %d: %s", state.ExitStatus(), stderr.String())
			}
			return <-read, state
		case state.StopSignal() == syscall.SIGTRAP|0x80:
			tr.stopped(pid, tid)
			resume(tid, 0)
		case state.StopSignal() == syscall.SIGTRAP || state.StopSignal() == syscall.SIGSTOP:
			resume(tid, 0) // a thread begins
		default:
			resume(tid, int(state.StopSignal()))
		}
	}
}

// resume lets a thread go on to its next call. It may be gone already.
func resume(tid, signal int) { _ = syscall.PtraceSyscall(tid, signal) }

// stopped looks at a thread that enters or leaves a call.
func (tr *Tracer) stopped(pid, tid int) {
	var info syscallInfo
	if _, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, ptraceGetSyscallInfo, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 {
		return // the thread is being killed
	}
	switch info.op {
	case infoEntry:
		nr, args := info.data[0], info.data[1:7]
		path, counted := tr.changes(pid, nr, args)
		c := call{nr: nr, path: path}
		if counted {
			tr.Number++
			switch tr.At(tr.Number) {
			case Kill:
				_ = syscall.Kill(pid, syscall.SIGKILL)
			case Fail:
				c.fail = true
				skipCall(tid)
			}
		}
		if nr == unix.SYS_WRITE && args[0] == 1 {
			if left := tr.left(); len(left) > 0 {
				tr.Unsynced(text(pid, args[1], args[2]), left)
			}
		}
		if nr == unix.SYS_WRITE && tr.Bytes(path) {
			tr.dirty[path] = true
		}
		if made := tr.named(pid, nr, args, path); counted && tr.Names(made) {
			tr.dirty[filepath.Dir(made)] = true
		}
		tr.ending[tid] = c
	case infoExit:
		c := tr.ending[tid]
		delete(tr.ending, tid)
		if c.fail {
			failCall(tid)
			return
		}
		if c.nr == unix.SYS_FSYNC && int64(info.data[0]) == 0 {
			delete(tr.dirty, c.path)
		}
	}
}

func (tr *Tracer) left() (paths []string) {
	for p := range tr.dirty {
		paths = append(paths, p)
	}
	return paths
}

// changes says which file a call changes, and whether that is below the
// folder. A synced file counts as changed: what is on the disk is.
func (tr *Tracer) changes(pid int, nr uint64, args []uint64) (path string, counted bool) {
	switch nr {
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE:
		path, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, args[0]))
	case unix.SYS_OPENAT:
		if args[2]&(unix.O_CREAT|unix.O_TRUNC) == 0 {
			return "", false
		}
		path = tr.argument(pid, args[0], args[1])
	case unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_FCHMODAT:
		path = tr.argument(pid, args[0], args[1])
	default:
		return "", false
	}
	return path, path == tr.Folder || strings.HasPrefix(path, tr.Folder+"/")
}

// named is the path that a call gives a file; empty for none.
func (tr *Tracer) named(pid int, nr uint64, args []uint64, path string) string {
	switch nr {
	case unix.SYS_OPENAT:
		return path
	case unix.SYS_LINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return tr.argument(pid, args[2], args[3])
	}
	return ""
}

// argument is a path that a call is given, made absolute.
func (tr *Tracer) argument(pid int, dirfd, at uint64) string {
	name, _, _ := strings.Cut(text(pid, at, 4096), "\x00")
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	from := fmt.Sprintf("/proc/%d/fd/%d", pid, dirfd)
	if int32(dirfd) == unix.AT_FDCWD {
		from = fmt.Sprintf("/proc/%d/cwd", pid)
	}
	dir, _ := os.Readlink(from)
	return filepath.Join(dir, name)
}

// text is up to n bytes of the process's memory.
func text(pid int, at, n uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return ""
	}
	defer memory.Close()
	buf := make([]byte, min(n, 4096))
	got, _ := memory.ReadAt(buf, int64(at))
	return string(buf[:got])
}

// skipCall turns the call that a thread enters into none.
func skipCall(tid int) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &regs) == nil {
		regs.Orig_rax = ^uint64(0)
		_ = syscall.PtraceSetRegs(tid, &regs)
	}
}

// failCall makes a skipped call return EIO.
func failCall(tid int) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &regs) == nil {
		regs.Rax = ^uint64(syscall.EIO - 1) // -EIO
		_ = syscall.PtraceSetRegs(tid, &regs)
	}
}
