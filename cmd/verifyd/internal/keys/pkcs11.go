//go:build pkcs11 && cgo

package keys

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"
)

// openPKCS11 opens a session with a device and finds the key pair of a label.
func openPKCS11(ref string) (*Signer, error) {
	t, err := parsePKCS11(ref)
	if err != nil {
		return nil, err
	}
	name := withoutQuery(ref)
	pin, err := ReadSecret(t.pin)
	if err != nil {
		return nil, fmt.Errorf("%s: pin-source: %w", name, err)
	}
	session, err := crypto11.Configure(&crypto11.Config{
		Path: t.module, TokenLabel: t.token, TokenSerial: t.serial, Pin: string(bytes.TrimRight(pin, "\r\n")),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	key, err := session.FindKeyPair(nil, []byte(t.object))
	if err == nil {
		_, err = AlgorithmOf(key.Public())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(err, session.Close()))
	}
	return &Signer{Signer: key, role: labelRole(t.object), close: session.Close}, nil
}
