// Package cosmos checks verifyd's statements with the native key types of the Cosmos SDK: the same bytes and
// signatures as everywhere, by the keys that a module already stores in its accounts and params.
//
// It is a module of its own, so that nobody who imports package proofs gets the SDK. A chain's module calls
// Verify in its message server and goes on with the statement, as ../sql does in a database: keep the last
// epoch root, credit the difference to what was paid.
package cosmos
