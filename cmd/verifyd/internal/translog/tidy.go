package translog

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// tidy removes what need not be kept, as checkpoints are published.
func (l *Log) tidy(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		_, c, err := l.Checkpoint()
		if err == nil {
			err = errors.Join(l.journal.forget(c.Size), l.sweep(c.Size))
		}
		if err != nil && !errors.Is(err, ErrNoCheckpoint) && ctx.Err() == nil {
			l.logger.Warn("tidying the log", "error", err)
		}
	}
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
