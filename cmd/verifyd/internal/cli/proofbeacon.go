package cli

import (
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify/beacon"
)

// fixedBeacon is what is said of contributions whose samples were no surprise to whoever made the beacon's value.
const fixedBeacon = "rests on a fixed beacon: whoever made its value knew the sample before the work; this is for trials"

// chainText is the chain of a contribution's beacon, for people.
func chainText(chain proofs.Hash) string {
	switch chain {
	case proofs.Hash{}:
		return "fixed, which whoever made its value knew beforehand"
	case quicknet():
		return beacon.Quicknet
	}
	return chain.String()
}

// quicknet is drand's quicknet as contributions name it.
func quicknet() proofs.Hash { return proofs.Hash(beacon.Chain{Name: beacon.Quicknet}.Hash()) }

// noteFixed warns of contributions whose beacon was fixed.
func (a *app) noteFixed(contributions ...proofs.Contribution) {
	fixed := 0
	for _, c := range contributions {
		if c.Beacon == (proofs.Hash{}) {
			fixed++
		}
	}
	switch {
	case fixed == 1 && len(contributions) == 1:
		a.note("warning: %s", fixedBeacon)
	case fixed > 0:
		a.note("warning: of %d contributions, %d with a fixed beacon: whoever made its value knew the samples before the work; this is for trials",
			len(contributions), fixed)
	}
}

// parseBeacon reads the name or the hash of the chain without which a policy pays nothing, or none.
func parseBeacon(s string) (*policy.Hash, error) {
	var h policy.Hash
	switch {
	case s == "none":
		return nil, nil
	case s == beacon.Quicknet:
		h.Hash = quicknet()
	case h.UnmarshalText([]byte(s)) != nil:
		return nil, fmt.Errorf("%.80q: want %s, the hash of another chain, or none", s, beacon.Quicknet)
	}
	return &h, nil
}
