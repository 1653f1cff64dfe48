// Package keys opens and makes the keys that verifyd signs with. Every key is a
// [crypto.Signer], whether it lies in a file, in a file under a passphrase, in
// an environment variable, in hardware or with a program that speaks for a key
// service:
//
//	operator.pem, file:operator.pem   PKCS#8 in PEM, mode 0600
//	age:verifier.age                  the same under a passphrase (age, scrypt)
//	env:VERIFYD_KEY                   the same as text in a variable, for CI
//	pkcs11:token=pool;object=key?...  RFC 7512; in builds with the tag pkcs11
//	plugin:NAME:KEYID                 the program verifyd-signer-NAME on PATH
//
// A key has one algorithm and one role. The role is certified: a line before
// the PEM block, in the private and in the public file, has the key's own
// signature over its role. A key in hardware states it in its label, a plugin
// in its answer. A key that states none, as keys made elsewhere do, has none and
// is refused, until it is given one: with the reference, ROLE=REF; for good, by
// [Keyring.Certify]; or by what binds the key to the role already, as a signer
// set and a job do. A text that was changed so that its certificate is lost
// gives a key without a role, and never one of any role.
//
// Whatever common tools make of a key is read, or refused by its name with what
// makes one of it that is read.
//
// The package never prints a private key, never replaces a file, and takes no
// passphrase from a command line. It does not decide whose key to trust.
package keys
