// Package document reads and writes the signed statements of the protocol: JSON in DSSE envelopes.
//
// A payload is canonical JSON: what encoding/json gives for the document's Go type, without HTML
// escapes and without a final line feed. A reader encodes what it decoded and requires the same
// bytes, so that there is one file for one statement: unknown, repeated, reordered or missing fields
// and other spellings of a value, base64 in an envelope included, are all refused. Signatures are ECDSA over P-256 and SHA-256, in
// DER, with s in the lower half. The digest of a document is the SHA-256 of what is signed, which
// does not depend on the signature.
//
// The package never decides whose key to trust: the caller gives the key.
package document
