package cli

import (
	"fmt"
	"log/slog"
)

// logLevels are the values of --log-level.
var logLevels = []string{"debug", "info", "warn", "error"}

// startLog sends what operators may want to know of, beside the messages of a
// command, to standard error.
func (a *app) startLog() error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return usageError{fmt.Errorf("--log-level %.40q: want debug, info, warn or error", a.logLevel)}
	}
	if a.structured() {
		a.log = slog.New(slog.NewJSONHandler(line{a}, &slog.HandlerOptions{Level: level}))
		return nil
	}
	a.log = slog.New(slog.NewTextHandler(line{a}, &slog.HandlerOptions{Level: level}))
	return nil
}
