//go:build !pkcs11 || !cgo

package keys

import "fmt"

func openPKCS11(ref string) (*Signer, error) {
	if _, err := parsePKCS11(ref); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", withoutQuery(ref), ErrNoPKCS11)
}
