// Package sql is a ledger in a database: PostgreSQL or SQLite tables and an applier that credits what epoch
// roots say, each unit exactly once.
//
//	l, err := sql.Open(ctx, db, sql.Postgres, sql.Genesis{Audience: me, PoolID: pool, PolicyHash: policy, Signers: set})
//	root, err := l.Accept(ctx, envelope)      // the next epoch root, signed by a quorum
//	paid, err := l.PayEpoch(ctx, leafFile)    // everybody at once, from the published leaf file
//	units, err := l.PayBundle(ctx, claim)     // or one account, from its .vproof
//	units, err := l.Balance(ctx, account)
//
// Totals are cumulative: an account is credited the difference between its leaf and what it has been
// credited before, in one transaction with the journal entry that says so. So an applier may be killed at
// any moment and run again, and several may run side by side: what is already paid is not paid again. All
// of an epoch root's terms are checked again within the transaction, by package bundle.
//
// The ledger pays no more in all than the last good root's total; a root that was taken back pays nothing
// more. It never lowers a balance, keeps no clock of its own, and trusts whoever can write to its tables.
package sql
