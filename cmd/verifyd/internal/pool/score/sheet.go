package score

import (
	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
)

// Sheet is an epoch's outcome as JSON.
type Sheet struct {
	Policy      proofs.Hash `json:"policy"`
	Epoch       uint64      `json:"epoch"`
	Awards      []Award     `json:"awards"` // in the order of worker, task and slot
	Dust        policy.Uint `json:"dust"`
	DustAccount proofs.Hash `json:"dustAccount"`
	Held        []HeldPay   `json:"held"` // not paid yet, in the same order
	Total       policy.Uint `json:"total"`
	Budget      policy.Uint `json:"budget"`
}

// HeldPay is a claim whose job holds its pay.
type HeldPay struct {
	Worker  proofs.Hash    `json:"worker"`
	Task    proofs.Hash    `json:"task"`
	Slot    uint32         `json:"slot"`
	Account proofs.Hash    `json:"account"`
	Verdict string         `json:"verdict"`
	Judged  uint64         `json:"judged"`          // further claims that count
	Of      uint32         `json:"of"`              // that are needed
	Until   int64          `json:"until"`           // Unix time in seconds at which it is paid with fewer
	Waits   *registry.Slot `json:"waits,omitempty"` // the claim without a verdict for which later ones do not count yet
}

// Award is what one claim earns.
type Award struct {
	Worker     proofs.Hash   `json:"worker"`
	Task       proofs.Hash   `json:"task"`
	Slot       uint32        `json:"slot"`
	Account    proofs.Hash   `json:"account"`
	Verdict    string        `json:"verdict"`
	Reason     string        `json:"reason"`
	ReasonCode proofs.Reason `json:"reasonCode"`
	Operations policy.Uint   `json:"operations"`
	Nanopoints policy.Uint   `json:"nanopoints"`
	Units      policy.Uint   `json:"units"`
	Cumulative policy.Uint   `json:"cumulativeUnits"`
	Nullifier  proofs.Hash   `json:"nullifier"`
}

// Sheet is the result with what it rests on.
func (e *Epoch) Sheet(r *Result) *Sheet {
	s := &Sheet{
		Policy: r.PolicyHash, Epoch: e.Number, Awards: make([]Award, 0, len(r.Statements)),
		Held: make([]HeldPay, 0, len(r.Held)),
		Dust: policy.Uint{Uint128: r.Dust}, DustAccount: e.Policy.Dust.Hash,
		Total: policy.Uint{Uint128: r.Total}, Budget: e.Policy.Budget,
	}
	for _, st := range r.Statements {
		c := st.Contribution
		s.Awards = append(s.Awards, Award{
			Worker: st.Worker, Task: st.Task, Slot: st.Slot, Account: c.Account,
			Verdict: proofs.Verdict{Kind: st.Verdict.Kind}.String(), Reason: st.Reason, ReasonCode: st.Verdict.Reason,
			Operations: policy.Uint{Uint128: st.Work}, Nanopoints: policy.Uint{Uint128: st.Points},
			Units: policy.Uint{Uint128: st.Units}, Cumulative: policy.Uint{Uint128: c.CumulativeUnits}, Nullifier: c.Nullifier(),
		})
	}
	for _, h := range r.Held {
		s.Held = append(s.Held, HeldPay{h.Worker, h.Task, h.Slot, h.Account, h.Verdict.String(), h.Judged, h.Of, h.Until, h.Waits})
	}
	return s
}
