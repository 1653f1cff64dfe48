// Package house holds verifyd to the plan of its house: who may import whom, as CONTRIBUTING.md says in its table,
// what must never meet, which packages of tests reach the command, and where nobody reads a clock; and to what it
// says of trust and attacks: each names tests that are there. No test is skipped in the gate. It has tests alone. Each rule is also tried on made-up
// packages that break it.
package house
