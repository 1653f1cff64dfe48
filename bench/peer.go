package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// ErrNoPeer is wrapped by every error that means that a peer is not installed here.
var ErrNoPeer = errors.New("peer is not installed")

// Peer is a running peer program. It reads one command a line and answers each with one line: a
// space-separated list of values, or "error" and a message. It says who it is in its first line.
type Peer struct {
	Version string // first line

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startPeer runs the program and waits for its first line.
func startPeer(ctx context.Context, environment []string, name string, args ...string) (*Peer, error) {
	p := &Peer{cmd: exec.CommandContext(ctx, name, args...)}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.Version, err = p.line(); err != nil {
		p.cmd.Process.Kill()
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), p.cmd.Wait())
	}
	return p, nil
}

// Ask sends one command and reads the numbers of the answer into values.
func (p *Peer) Ask(command string, values ...any) error {
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		return fmt.Errorf("peer: send %q: %w", command, err)
	}
	answer, err := p.line()
	if err != nil {
		return fmt.Errorf("peer: answer to %q: %w", command, err)
	}
	if message, failed := strings.CutPrefix(answer, "error "); failed {
		return fmt.Errorf("peer: %q: %s", command, message)
	}
	if n, err := fmt.Sscan(answer, values...); err != nil {
		return fmt.Errorf("peer: answer %q to %q: value %d: %w", answer, command, n+1, err)
	}
	return nil
}

// Time asks for a timed run; the peer answers with wall and process nanoseconds for one unit of work.
func (p *Peer) Time(command string) (Sample, error) {
	var wall, cpu int64
	if err := p.Ask(command, &wall, &cpu); err != nil {
		return Sample{}, err
	}
	return Sample{Wall: time.Duration(wall), CPU: time.Duration(cpu)}, nil
}

// Close ends the peer: it leaves when its input does.
func (p *Peer) Close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

func (p *Peer) line() (string, error) {
	s, err := p.out.ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(s), nil
}
