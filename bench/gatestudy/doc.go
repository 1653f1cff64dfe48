// Package gatestudy measures the gate: how often honest segments lie outside of it, and which cheap states do. Its tables
// are those of docs/attacks.md. It trains small models of each kind, on made-up data, with five optimizers and schedules or
// more; what is said of larger ones is not shown by it.
package gatestudy
