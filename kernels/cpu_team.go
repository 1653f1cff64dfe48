package kernels

import (
	"runtime"
	"sync/atomic"
)

// team hands the pieces of one phase at a time to the workers. The caller of run is the first worker.
//
// All that changes hands is ticket: the number of the phase in its upper half, the pieces that nobody
// has taken in its lower half. Whoever takes a piece knows that the phase cannot end before it has
// finished it, and may read what the caller wrote before the phase.
type team struct {
	ticket   atomic.Uint64
	finished atomic.Int64 // pieces done
	total    int64        // pieces of the phase
	work     func(w *worker, piece int)

	waiting atomic.Bool   // the caller sleeps until the last piece is done
	done    chan struct{} // holds one
	closed  atomic.Bool
	members []*member
	spins   int // pauses before a thread sleeps
}

// member is a worker with a thread of its own.
type member struct {
	*worker
	asleep atomic.Bool
	wake   chan struct{} // holds one
}

// idlePauses keep a thread awake for some tens of microseconds, longer than it takes to wake one.
const idlePauses = 1000

// newTeam starts a thread for every worker but the first. It fails if one of them does not round as
// DRN-1 does.
func newTeam(workers []*worker, work func(*worker, int)) (*team, error) {
	t := &team{work: work, done: make(chan struct{}, 1)}
	if len(workers) <= runtime.GOMAXPROCS(0) {
		t.spins = idlePauses
	}
	started := make(chan error)
	for _, w := range workers[1:] {
		m := &member{worker: w, wake: make(chan struct{}, 1)}
		t.members = append(t.members, m)
		go t.serve(m, started)
	}
	var failed error
	for range t.members {
		if err := <-started; err != nil {
			failed = err
		}
	}
	if failed != nil {
		t.close()
		return nil, failed
	}
	return t, nil
}

// serve is a member's life.
func (t *team) serve(m *member, started chan<- error) {
	runtime.LockOSThread()
	started <- checkRounding()
	for !t.closed.Load() {
		if t.takeOne(m.worker) || t.spin(func() bool { return t.pieceLeft() || t.closed.Load() }) {
			continue
		}
		m.asleep.Store(true)
		if (t.pieceLeft() || t.closed.Load()) && m.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-m.wake
	}
}

// run has every piece from 0 to n-1 done by the team and w, the caller's worker.
func (t *team) run(w *worker, n int) {
	t.total = int64(n)
	t.finished.Store(0)
	t.ticket.Store((t.ticket.Load()>>32+1)<<32 | uint64(n))
	helpers := n - 1
	for _, m := range t.members {
		if helpers == 0 {
			break
		}
		m.rouse()
		helpers--
	}
	for t.takeOne(w) {
	}
	over := func() bool { return t.finished.Load() == int64(n) }
	if t.spin(over) {
		return
	}
	t.waiting.Store(true)
	if over() && t.waiting.CompareAndSwap(true, false) {
		return
	}
	<-t.done
}

// takeOne takes a piece and does it, unless none is left.
func (t *team) takeOne(w *worker) bool {
	ticket := t.ticket.Load()
	left := ticket & (1<<32 - 1)
	if left == 0 {
		return false
	}
	if !t.ticket.CompareAndSwap(ticket, ticket-1) {
		return true
	}
	total := t.total
	t.work(w, int(total)-int(left))
	if t.finished.Add(1) == total && t.waiting.CompareAndSwap(true, false) {
		t.done <- struct{}{}
	}
	return true
}

func (t *team) pieceLeft() bool { return t.ticket.Load()&(1<<32-1) != 0 }

// spin waits for a little while for a condition.
func (t *team) spin(condition func() bool) bool {
	for range t.spins {
		if condition() {
			return true
		}
		pause()
	}
	return condition()
}

func (m *member) rouse() {
	if m.asleep.CompareAndSwap(true, false) {
		m.wake <- struct{}{}
	}
}

// close ends the threads.
func (t *team) close() {
	t.closed.Store(true)
	for _, m := range t.members {
		m.rouse()
	}
}
