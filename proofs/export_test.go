package proofs

// What the vectors' generators need of the inside, to bend it, and the tests outside of those within.
var (
	Sample           = sample
	SampleRoot       = sampleRoot
	SampleRevocation = sampleRevocation
	SplitDER         = splitDER
	JoinDER          = joinDER
	PAEOf            = pae
	ParseSPKI        = parseSPKI
	SPKI             = Key.spki
	High             = high
	NeedTool         = needTool
)
