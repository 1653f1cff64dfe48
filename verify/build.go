package verify

import (
	"runtime"
	"runtime/debug"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// buildOf describes the running program.
func buildOf(device, confirmed string) Build {
	b := Build{Version: "unknown", Revision: "unknown", Go: runtime.Version(), Device: device, Confirmed: confirmed}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	const module = "github.com/verifyd/verifyd"
	b.Module = module
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	for _, m := range modules {
		if m.Path == module && m.Version != "" {
			b.Version = m.Version
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				b.Revision += "+changes"
			}
		}
	}
	return b
}

// verdict wraps the finding with its evidence root and the build.
//
// The evidence root is the RFC 6962 root over seven leaves: the digests of job, claim, receipt and beacon,
// the root over the step leaves, the digest of the opening (zero if there was none) and the canonical
// JSON of the finding.
func (q *inquiry) verdict() (*Verdict, error) {
	finding, err := document.Encode(q.finding)
	if err != nil {
		return nil, err
	}
	var tree merkle.Builder
	for _, h := range []merkle.Hash{
		q.terms.Digest, q.claimDigest, q.receiptDigest, q.beaconDigest, q.claim.Root, q.openingDigest,
	} {
		tree.Append(merkle.LeafHash(h[:]))
	}
	tree.Append(merkle.LeafHash(finding))
	return &Verdict{
		Finding:  q.finding,
		Evidence: tree.Root(),
		Build:    buildOf(q.device, q.confirmed),
	}, nil
}
