package gpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/verifyd/verifyd/cgo"
)

// controlDescriptor is where a child finds its control socket.
const controlDescriptor = 3

// serveParent greets the parent with what open says, and serves the connections that it sends.
func serveParent(ctx context.Context, open func() (*Server, cgo.Info, error)) error {
	control, err := packets(os.NewFile(controlDescriptor, "control"))
	if err != nil {
		return fmt.Errorf("verifyd starts %s by itself, with a socket: %w", Command, err)
	}
	server, info, failed := open()
	hello, err := greet(info, failed)
	if err != nil {
		return err
	}
	if _, err := control.Write(hello); err != nil || failed != nil {
		return errors.Join(failed, err)
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1) // by a fault
	var sessions sync.WaitGroup
	go func() {
		for {
			conn, err := receive(control)
			if err != nil {
				stop()
				select {
				case ended <- nil: // the parent is done or gone
				default:
				}
				return
			}
			sessions.Go(func() {
				defer context.AfterFunc(ctx, conn.interrupt)()
				err := server.serve(context.WithoutCancel(ctx), conn)
				if fault := server.Fault(); fault != nil {
					err = fault
				}
				if err == nil {
					return
				}
				select {
				case ended <- err:
				default: // one is enough
				}
			})
		}
	}()
	if err := <-ended; err != nil {
		return err
	}
	// Each session ends with the request that it is at.
	return within(grace, sessions.Wait)
}

// within gives up after a while.
func within(limit time.Duration, f func()) error {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("work was still in flight %v after the parent ended", limit)
	}
}
