// Package pool is the operator's and the verifier's work on a claim, from its arrival to the proof that a ledger
// acts on, for a command line and a server alike:
//
//	Offer      signs what everybody keeps to before any work is done
//	Desk       gives what there is one of, ever: assignments, receipts of claims, receipts of openings; a receipt that
//	           came too late into the log has one that follows it
//	Judge      replays what was challenged in a bundle, or in many side by side
//	State      says what a verdict means to a ledger
//	Record     appends what is signed to the transparency log before anybody has it
//
// Package score turns the verdicts of an epoch into what each account earns, package payout finds what an account
// can be paid, package audit names what a log's operator must not have done.
//
// The package decides no verdict and no amount: those are package verify's and package policy's. It prints nothing
// and ends no process, and the time is told to it. What is said of a claim comes from the case that was judged, never
// from a file that is read again.
package pool
