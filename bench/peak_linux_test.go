package bench

import (
	"os/exec"
	"testing"
)

func TestPeakMemoryIsThatOfTheProcessAlone(t *testing.T) {
	ballast := make([]byte, 256<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	peak, err := peakMemory(exec.CommandContext(t.Context(), "sleep", "0.1"))
	if err != nil {
		t.Fatal(err)
	}
	if peak <= 0 || peak >= 128<<20 {
		t.Errorf("sleep is said to have used %d bytes", peak)
	}
	if ballast[4096] != 1 {
		t.Error("the ballast is gone")
	}
	if _, err := peakMemory(exec.CommandContext(t.Context(), "sh", "-c", "exit 3")); err == nil {
		t.Error("a command that fails has a peak")
	}
}
