package verify

// The files of a bundle.
const (
	JobFile     = "job.json"
	ProgramFile = "program.json"
	ClaimFile   = "claim.json"
	ReceiptFile = "receipt.json"
	BeaconFile  = "beacon.json"
	OpeningFile = "opening.json"
	LeavesFile  = "leaves.bin"
	OpeningsDir = "openings"
)
