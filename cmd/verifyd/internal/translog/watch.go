package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// watchInterval is how long a published checkpoint may stay unnoticed.
const watchInterval = 20 * time.Millisecond

// watch looks for new checkpoints, tells those who wait for one, and removes
// what need not be kept any more.
func (l *Log) watch(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		signed, c, err := l.Checkpoint()
		if errors.Is(err, ErrNoCheckpoint) {
			err = nil
		}
		if l.tell(published{signed: signed, size: c.Size, err: err}) {
			if err := errors.Join(l.journal.forget(c.Size), l.sweep(c.Size)); err != nil {
				l.logger.Warn("tidying the log", "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// tell notes what is published and says whether it is a new checkpoint.
func (l *Log) tell(p published) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.err == nil && l.now.err == nil && bytes.Equal(p.signed, l.now.signed) {
		return false
	}
	close(l.now.over)
	p.over = make(chan struct{})
	l.now = p
	return p.err == nil
}

// sweep removes the partial tiles that full ones of the published tree have
// taken the place of. Without it a log that grows by single entries would keep
// each entry up to 255 times. It begins where it ended; Tessera's own sweep,
// which is slower, begins at the first tile.
func (l *Log) sweep(published int64) error {
	for ; (l.swept+1)*tileWidth <= published; l.swept++ {
		gone := []tile{{levelEntries, l.swept, tileWidth}, {0, l.swept, tileWidth}}
		for level, index := 1, l.swept; index%tileWidth == tileWidth-1; level++ {
			index /= tileWidth
			gone = append(gone, tile{level, index, tileWidth})
		}
		for _, t := range gone {
			if err := l.tiles.RemoveAll(t.path() + ".p"); err != nil {
				return fmt.Errorf("sweeping the tiles: %w", err)
			}
		}
	}
	return nil
}
