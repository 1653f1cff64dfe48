package gpu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/verifyd/verifyd/cgo"
)

// executable is this one, also after an upgrade has replaced its file.
const executable = "/proc/self/exe"

// child is a process that serves a device.
type child struct {
	opts    Options
	info    cgo.Info
	process *os.Process
	words   *lastWords // on its standard error
	status  string     // how it ended
	ended   chan struct{}

	faulty  atomic.Bool // what it answered says that it is about to end
	mu      sync.Mutex
	control *net.UnixConn // nil once closed
}

// spawn starts a child and waits for its greeting.
func spawn(ctx context.Context, o Options) (_ *child, err error) {
	if os.Getenv(isChild) != "" {
		return nil, fail(cgo.ErrNoDevice, "the GPU's process starts no other")
	}
	ours, theirs, err := pair(syscall.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	control, err := packets(ours)
	if err != nil {
		return nil, errors.Join(err, theirs.Close())
	}
	c := &child{opts: o, control: control, words: &lastWords{}, ended: make(chan struct{})}
	cmd := &exec.Cmd{
		Path:       executable,
		Args:       []string{os.Args[0], Command, "--device", NameOf(o.Ordinal), "--watchdog", o.Watchdog.String()},
		Env:        append(append(environment(), isChild+"=1"), o.environment...),
		ExtraFiles: []*os.File{theirs}, // controlDescriptor
		Stderr:     c.words,
		WaitDelay:  time.Second,
		// Signals from the terminal are the parent's to deal with.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		control.Close()
		return nil, fmt.Errorf("start the GPU's process: %w", err)
	}
	c.process = cmd.Process
	go func() {
		_ = cmd.Wait() // the state says the same
		c.status = cmd.ProcessState.String()
		o.Log.Debug("the gpu's process has ended", "pid", c.process.Pid, "status", c.status, "stderr", c.words.String())
		close(c.ended)
	}()
	if c.info, err = c.greeting(ctx); err != nil {
		c.end()
		return nil, err
	}
	o.Log.Debug("the gpu's process has started", "pid", c.process.Pid, "device", c.info.Name)
	return c, nil
}

// isChild is set in a child's environment. A child starts none, so that a program that takes no notice of Command and
// opens a device again does not start itself for ever.
const isChild = "VERIFYD_GPU_CHILD"

// environment is ours. Goroutines are no last words.
func environment() []string {
	env := os.Environ()
	if _, ok := os.LookupEnv("GOTRACEBACK"); !ok {
		env = append(env, "GOTRACEBACK=none")
	}
	return env
}

func (c *child) greeting(ctx context.Context) (cgo.Info, error) {
	if err := c.control.SetReadDeadline(time.Now().Add(c.patience())); err != nil {
		return cgo.Info{}, err
	}
	stop := context.AfterFunc(ctx, func() { c.control.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	data := make([]byte, maxGreeting)
	n, err := c.control.Read(data)
	switch {
	case ctx.Err() != nil:
		c.kill()
		return cgo.Info{}, context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return cgo.Info{}, c.overdue(err)
	case err != nil || n == 0:
		return cgo.Info{}, c.gone(err)
	}
	return parseGreeting(data[:n])
}

// patience is how long an answer may take.
func (c *child) patience() time.Duration { return c.opts.Watchdog + c.opts.Margin }

// connect makes a connection for one accelerator.
func (c *child) connect() (*remote, error) {
	ours, theirs, err := pair(syscall.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	conn, err := newStream(ours, c.patience())
	if err != nil {
		return nil, errors.Join(err, theirs.Close())
	}
	defer theirs.Close()
	if err := c.pass(theirs); err != nil {
		return nil, errors.Join(c.gone(err), conn.Close())
	}
	return newRemote(conn, c.gone, c.overdue, func(f *failure) {
		if fatal(f) {
			c.faulty.Store(true)
		}
	}), nil
}

// pass sends a socket to the child.
func (c *child) pass(f *os.File) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.control == nil {
		return net.ErrClosed
	}
	return send(c.control, f)
}

// over says whether the child has ended or is about to.
func (c *child) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return c.faulty.Load()
	}
}

// gone explains a connection that broke: most often the child has ended, and its last words say why.
func (c *child) gone(err error) error {
	select {
	case <-c.ended:
		return fail(cgo.ErrLost, "its process ended, %s: %s", c.status, c.words)
	case <-time.After(grace):
	}
	c.faulty.Store(true)
	return fail(cgo.ErrLost, "its process closed the connection: %v", err)
}

// overdue kills a child that does not answer.
func (c *child) overdue(error) error {
	c.kill()
	return &failure{
		fmt.Sprintf("%v: its process gave no answer for %v and was killed", cgo.ErrTimeout, c.patience()),
		[]error{cgo.ErrTimeout, cgo.ErrLost},
	}
}

func (c *child) kill() {
	c.faulty.Store(true)
	_ = c.process.Kill() // unless it has ended
	<-c.ended
}

// end closes the control socket, which a child takes for the end, and waits for that.
func (c *child) end() {
	c.mu.Lock()
	if c.control != nil {
		c.control.Close()
		c.control = nil
	}
	c.mu.Unlock()
	select {
	case <-c.ended:
	case <-time.After(2 * grace):
		c.kill()
	}
}
