package gpu

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// pair makes two connected sockets that no other process inherits.
func pair(kind int) (ours, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// stream is a connection whose thread waits in the system call: that is faster than the runtime's poller by
// more than a small step takes.
type stream struct{ *os.File }

// newStream is the stream of a socket, with a limit on the time that a read or a write may take; 0 is none.
func newStream(f *os.File, patience time.Duration) (stream, error) {
	limit := syscall.NsecToTimeval(patience.Nanoseconds())
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if err := syscall.SetsockoptTimeval(int(f.Fd()), syscall.SOL_SOCKET, option, &limit); err != nil {
			return stream{}, errors.Join(os.NewSyscallError("setsockopt", err), f.Close())
		}
	}
	return stream{f}, nil
}

// Read implements io.Reader.
func (s stream) Read(p []byte) (int, error) {
	n, err := s.File.Read(p)
	return n, late(err)
}

// Write implements io.Writer.
func (s stream) Write(p []byte) (int, error) {
	n, err := s.File.Write(p)
	return n, late(err)
}

// late tells a read or a write that took too long.
func late(err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		return os.ErrDeadlineExceeded
	}
	return err
}

func (s stream) interrupt() {
	raw, err := s.SyscallConn()
	if err != nil {
		return // closed
	}
	_ = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) }) // fails if closed
}

// packets is the control socket in a file, which it closes.
func packets(f *os.File) (*net.UnixConn, error) {
	if f == nil {
		return nil, os.ErrInvalid
	}
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("not a Unix socket"), c.Close())
	}
	return u, nil
}

// send passes a socket on.
func send(control *net.UnixConn, f *os.File) error {
	_, _, err := control.WriteMsgUnix([]byte{opOpen}, syscall.UnixRights(int(f.Fd())), nil)
	return err
}

// receive waits for a socket.
func receive(control *net.UnixConn) (stream, error) {
	var data [1]byte
	rights := make([]byte, syscall.CmsgSpace(4))
	n, size, _, _, err := control.ReadMsgUnix(data[:], rights)
	if err != nil {
		return stream{}, err
	}
	if n == 0 {
		return stream{}, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:size])
	if err != nil || len(messages) != 1 {
		return stream{}, fmt.Errorf("%w: no socket", errProtocol)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return stream{}, fmt.Errorf("%w: %d sockets", errProtocol, len(fds))
	}
	return newStream(os.NewFile(uintptr(fds[0]), "socket"), 0)
}
