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
// A key has one algorithm and one role. The role stands in a line before the
// PEM block, where OpenSSL and Go expect explanation, in the label of a key in
// hardware, or in the plugin's answer. A key that states another role than it
// is wanted for is refused; one that states none is taken, as keys made
// elsewhere are.
//
// The package never prints a private key, never replaces a file, and takes no
// passphrase from a command line. It does not decide whose key to trust.
package keys
