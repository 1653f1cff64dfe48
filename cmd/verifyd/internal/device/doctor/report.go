package doctor

import "github.com/verifyd/verifyd/cgo"

// Report is what the examination found.
type Report struct {
	CPU     CPU      `json:"cpu"`
	Driver  Driver   `json:"driver"`
	Devices []Device `json:"devices"` // the code paths of the processor, then the GPUs
	Sound   bool     `json:"sound"`   // whether no device was refused and none failed
}

// CPU is this machine's processor.
type CPU struct {
	Model      string `json:"model"`
	Processors int    `json:"processors"`
	Threads    int    `json:"threads"` // that were used
}

// Driver is NVIDIA's.
type Driver struct {
	CUDA    string `json:"cuda,omitempty"`    // newest version that it serves, such as "12.4"
	Version string `json:"version,omitempty"` // as NVML tells, such as "550.54.15"
	Missing string `json:"missing,omitempty"` // why no GPU can be used
	NoNVML  string `json:"noNVML,omitempty"`  // why the health of GPUs is unknown
}

// State is what became of a device.
type State string

// The states of a device.
const (
	Right   State = "right"   // every check gave the known bits
	Wrong   State = "wrong"   // refused: some gave others
	Failed  State = "failed"  // refused: it gave up before all checks were done
	Unfit   State = "unfit"   // it cannot run verifyd, and says so
	Skipped State = "skipped" // not examined, because the reference is wrong
)

// Device is one device and what was found.
type Device struct {
	Name   string    `json:"name"` // "cpu avx2", "cuda:0"
	GPU    *GPU      `json:"gpu,omitempty"`
	Health *Health   `json:"health,omitempty"` // after the checks
	Xids   []cgo.Xid `json:"xids,omitempty"`   // critical errors that the driver reported meanwhile

	State   State    `json:"state"`
	Checks  int      `json:"checks"`          // that were made
	Wrong   []string `json:"wrong,omitempty"` // operators and models whose bits differ
	Error   string   `json:"error,omitempty"` // of the first check that went wrong
	Advice  []string `json:"advice,omitempty"`
	Speed   *Speed   `json:"speed,omitempty"`
	Seconds float64  `json:"seconds"` // that the examination took
}

// GPU is what the driver says of a device.
type GPU struct {
	Model      string `json:"model"`
	UUID       string `json:"uuid"`
	PCI        string `json:"pci"`
	Memory     uint64 `json:"memory"`     // bytes
	Capability string `json:"capability"` // such as "9.0"
	SMs        int    `json:"sms"`
	ECC        bool   `json:"ecc"` // whether memory errors are corrected
}

// Speed is how fast a device is, for orientation: bench measures with more care.
type Speed struct {
	Copy float64 `json:"copyBytesPerSecond"` // read and written
	GEMM float64 `json:"gemmFLOPS"`          // floating-point operations of a square product a second
	Hash float64 `json:"hashBytesPerSecond"` // BLAKE3 of a state
	Step float64 `json:"stepSeconds"`        // training step with its digests, of the largest model checked
}

// Health is what the sensors of a GPU say. Counts are those since the driver was loaded.
type Health struct {
	Temperature int    `json:"temperature"` // degrees Celsius
	ECC         bool   `json:"ecc"`         // whether ECC is on; without it the counts are zero
	Corrected   uint64 `json:"corrected"`   // memory errors that ECC repaired
	Uncorrected uint64 `json:"uncorrected"` // memory errors that it could not repair
	RowsPending bool   `json:"rowsPending"` // a broken row waits for a reset to be replaced
	RowsFailed  bool   `json:"rowsFailed"`  // a broken row could not be replaced
}
