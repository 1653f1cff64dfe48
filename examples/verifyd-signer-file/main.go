// Verifyd-signer-file is a signer plugin to copy from: it signs with the keys in
// the folder that $VERIFYD_SIGNER_KEYS names, KEYID.pem being PKCS#8 in PEM. A
// plugin for a key service has the same shape; only sign differs. README.md has
// the protocol.
package main

import (
	"bufio"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

const (
	version = "verifyd-signer/1"
	maxLine = 2 << 20 // bytes: a message of 1 MiB in base64, and room
)

type request struct {
	Version string `json:"version"`
	ID      uint64 `json:"id"`
	Do      string `json:"do"`
	Key     string `json:"key"`
	Alg     string `json:"alg"`
	Digest  []byte `json:"digest"`
	Message []byte `json:"message"`
}

type answer struct {
	ID          uint64 `json:"id"`
	Public      []byte `json:"public,omitempty"`
	Certificate string `json:"certificate,omitempty"`
	Signature   []byte `json:"signature,omitempty"`
	Error       string `json:"error,omitempty"`
}

func main() {
	if err := serve(os.Getenv("VERIFYD_SIGNER_KEYS")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve answers each line until there are no more.
func serve(folder string) error {
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	in.Buffer(nil, maxLine)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return err
		}
		a, err := handle(folder, r)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		a.ID = r.ID
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return in.Err()
}

func handle(folder string, r request) (a answer, err error) {
	if r.Version != version {
		return a, fmt.Errorf("version %q, want %q", r.Version, version)
	}
	key, certificate, err := read(folder, r.Key)
	if err != nil {
		return a, err
	}
	switch r.Do {
	case "public":
		a.Certificate = certificate
		a.Public, err = x509.MarshalPKIXPublicKey(key.Public())
	case "sign":
		a.Signature, err = sign(key, r)
	default:
		err = fmt.Errorf("cannot do %q", r.Do)
	}
	return a, err
}

// sign signs the digest with ECDSA, the message with Ed25519.
func sign(key crypto.Signer, r request) ([]byte, error) {
	if _, ok := key.(ed25519.PrivateKey); ok {
		return key.Sign(rand.Reader, r.Message, crypto.Hash(0))
	}
	return key.Sign(rand.Reader, r.Digest, crypto.SHA256)
}

var (
	keyID    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
	roleLine = regexp.MustCompile(`(?m)^verifyd-role/1 [a-z]+ [A-Za-z0-9+/=]+$`)
)

// read reads the key of an id, and the certificate of its role, which verifyd
// checks.
func read(folder, id string) (key crypto.Signer, certificate string, err error) {
	if !keyID.MatchString(id) {
		return nil, "", fmt.Errorf("key id %q: want letters, digits and hyphen", id)
	}
	data, err := os.ReadFile(filepath.Join(folder, id+".pem"))
	if err != nil {
		return nil, "", err
	}
	certificate = string(roleLine.Find(data))
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, "", errors.New("not a PEM file")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, "", err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, "", fmt.Errorf("%T does not sign", parsed)
	}
	return key, certificate, nil
}
