package simulated

import (
	"context"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
)

// activated are the links of a contract, from its events.
func (k *contract) activated() (links []evm.Link) {
	k.t.Helper()
	event := k.abi.Events["RootActivated"]
	logs, err := k.backend.Client().FilterLogs(context.Background(), ethereum.FilterQuery{
		Addresses: []common.Address{k.address}, Topics: [][]common.Hash{{event.ID}},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, l := range logs {
		values, err := event.Inputs.NonIndexed().Unpack(l.Data)
		if err != nil {
			k.t.Fatal(err)
		}
		total, err := proofs.ParseUint128(values[1].(*big.Int).String())
		if err != nil {
			k.t.Fatal(err)
		}
		links = append(links, evm.Link{Root: values[0].([32]byte), Total: total, Epoch: l.Topics[1].Big().Uint64(), Below: values[2].([32]byte)})
	}
	return links
}

// takenBack says whether a contract took back the root of a link.
func (k *contract) takenBack(l evm.Link) bool {
	k.t.Helper()
	id := crypto.Keccak256(l.Root[:], common.LeftPadBytes(bigOf(l.Total).Bytes(), 32), common.LeftPadBytes(new(big.Int).SetUint64(l.Epoch).Bytes(), 32))
	return k.get("revoked", [32]byte(id)).(bool)
}

// history is what a revocation of the active root has to bring.
func (k *contract) history() []evm.Link {
	k.t.Helper()
	links, err := evm.History(k.get("below").([32]byte), k.activated(), k.takenBack)
	if err != nil {
		k.t.Fatal(err)
	}
	return links
}

// TestTheHistoryOfAContractFollowsFromItsEvents and from nothing else; without
// all of them there is none.
func TestTheHistoryOfAContractFollowsFromItsEvents(t *testing.T) {
	c := newChain(t, "osaka")
	minter := c.deployMinter(poolID, policy, c.from)
	q := newQuorum(t, 1, 3, 0)
	minter.must(q.setSigners(t))
	for n := uint64(1); n <= 4; n++ {
		minter.must(q.post(t, minter.rootOf(n, scenario.ID("root"), proofs.Uint(n)), 0))
		minter.activate()
	}
	events := minter.activated()
	if len(events) != 4 {
		t.Fatalf("%d events, want 4", len(events))
	}
	below := proofs.Hash(minter.get("below").([32]byte))
	all, err := evm.History(below, events, func(evm.Link) bool { return true })
	if err != nil || len(all) != 3 || all[0].Epoch != 3 || all[2].Below != (proofs.Hash{}) {
		t.Errorf("%v, %v", all, err)
	}
	first, err := evm.History(below, events, minter.takenBack)
	if err != nil || len(first) != 1 || first[0] != all[0] {
		t.Errorf("%v, %v, want the last one alone", first, err)
	}
	if _, err := evm.History(below, events[3:], minter.takenBack); err == nil {
		t.Error("a history without its events")
	}
}
