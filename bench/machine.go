package bench

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine says where and with what a report was made.
type Machine struct {
	CPU      string `json:"cpu"`
	Priority string `json:"priority"` // of this process and its peers: "normal", "nice N" or "real-time N"
	Cores    int    `json:"cores"`
	ISA      string `json:"isa"` // code path of the kernels
	OS       string `json:"os"`
	Go       string `json:"go"`
	Commit   string `json:"commit"` // empty outside a git checkout; "+" at the end if files differ from it
	Date     string `json:"date"`   // RFC 3339, UTC
	LoadAvg  string `json:"loadavg_before"`
	LoadLate string `json:"loadavg_after"` // neighbours' load shows here
}

// describe fills in what the machine says of itself.
func describe(ctx context.Context, isa string) Machine {
	return Machine{
		CPU:      cpuModel(),
		Priority: priority(),
		Cores:    runtime.NumCPU(),
		ISA:      isa,
		OS:       runtime.GOOS + "/" + runtime.GOARCH,
		Go:       runtime.Version(),
		Commit:   commit(ctx),
		Date:     time.Now().UTC().Format(time.RFC3339),
		LoadAvg:  loadAverage(),
	}
}

// cpuModel is the name, family and model of the processor as Linux prints them, or the architecture.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	field := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			break // the first processor's block ends here
		}
		field[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if field["model name"] == "" {
		return runtime.GOARCH
	}
	return field["model name"] + " (family " + field["cpu family"] + ", model " + field["model"] + ")"
}

// loadAverage is the machine's load over 1, 5 and 15 minutes.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	f := strings.Fields(string(b))
	return strings.Join(f[:min(3, len(f))], " ")
}

// priority is how the scheduler treats this process (proc(5), fields 19 and 40 of stat), "normal" if it does not say.
func priority() string {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return "normal"
	}
	_, after, _ := strings.Cut(string(b), ") ") // the name, field 2, may hold spaces
	f := strings.Fields(after)                  // from field 3
	switch {
	case len(f) < 38:
		return "normal"
	case f[37] != "0":
		return "real-time " + f[37]
	case f[16] != "0":
		return "nice " + f[16]
	}
	return "normal"
}

// commit names the checked-out revision.
func commit(ctx context.Context) string {
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return ""
	}
	rev := strings.TrimSpace(string(head))
	if changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no").Output(); err != nil || len(changed) > 0 {
		rev += "+"
	}
	return rev
}
