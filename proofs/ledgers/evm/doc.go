// Package evm encodes the calls of the contracts in this folder from signed
// epoch roots, leaves and bundles: the input of a transaction, for whatever
// wallet or library sends it. README.md says how to deploy and use them.
//
// It checks form, not truth: a call made of a bad signature or path reverts.
// Ask package bundle first. It sends nothing and holds no keys.
package evm
