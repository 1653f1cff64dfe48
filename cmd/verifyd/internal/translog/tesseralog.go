package translog

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"k8s.io/klog/v2"
)

// RedirectTessera sends what Tessera logs, warnings and worse, to logger.
// Tessera logs through klog, whose setting belongs to the whole process: the
// command calls this once, before it opens a log.
func RedirectTessera(logger *slog.Logger) error {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{
		"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true", "skip_headers": "true",
	} {
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("setting %s of klog: %w", name, err)
		}
	}
	klog.SetOutputBySeverity("INFO", io.Discard)
	klog.SetOutputBySeverity("WARNING", lines{logger, slog.LevelWarn})
	klog.SetOutputBySeverity("ERROR", lines{logger, slog.LevelError})
	klog.SetOutputBySeverity("FATAL", lines{logger, slog.LevelError})
	return nil
}

// lines logs each write as one record.
type lines struct {
	logger *slog.Logger
	level  slog.Level
}

func (l lines) Write(p []byte) (int, error) {
	l.logger.Log(context.Background(), l.level, "tessera: "+strings.TrimSpace(string(p)))
	return len(p), nil
}
