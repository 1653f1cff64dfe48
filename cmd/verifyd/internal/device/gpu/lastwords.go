package gpu

import (
	"strings"
	"sync"
)

// lastWords keeps the end of what is written.
type lastWords struct {
	mu   sync.Mutex
	kept []byte
}

const maxWords = 1024 // bytes

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, p[max(0, len(p)-maxWords):]...)
	w.kept = w.kept[max(0, len(w.kept)-maxWords):]
	return len(p), nil
}

// String is one line without the name that messages begin with.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := strings.TrimSpace(string(w.kept))
	if text == "" {
		return "without a word"
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "verifyd: ")
	}
	return plain(strings.Join(lines, "; "))
}
