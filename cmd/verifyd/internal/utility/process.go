package utility

import (
	"bufio"
	"io"
	"os/exec"
	"sync"
	"time"
)

// grace is how long a process may take to end once it is told to.
const grace = 5 * time.Second

// Start starts a program that answers on its standard output what it is asked on its standard input. What it writes to its standard
// error goes to stderr. finish tells it that the game is over, gives it some time to end, and kills what is left of it.
func Start(command []string, stderr io.Writer) (c *Conn, finish func(), err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = stderr
	cmd.WaitDelay = time.Second // for what it started and left behind
	group(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	wait := sync.OnceFunc(func() { // not before its output was read to the end
		go func() {
			_ = cmd.Wait() // the state says the same
			close(ended)
		}()
	})
	await := func(limit time.Duration) bool {
		wait()
		select {
		case <-ended:
			return true
		case <-time.After(limit):
			return false
		}
	}
	c = &Conn{in: bufio.NewReaderSize(out, 64<<10), out: in}
	c.stop = func() { kill(cmd) }
	c.how = func() string {
		if !await(time.Second) {
			return ""
		}
		return cmd.ProcessState.String()
	}
	return c, func() {
		_, _ = io.WriteString(in, End) // it may have ended before
		_ = in.Close()
		if !await(grace) {
			kill(cmd)
			await(grace)
		}
	}, nil
}
