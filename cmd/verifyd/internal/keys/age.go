package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// What an age file begins with, armored or not.
const (
	ageArmor = armor.Header
	ageIntro = "age-encryption.org/v1"
)

// maxWork bounds what opening a key may cost: scrypt with 2^20 rounds takes
// about 6 seconds and 1 GiB. New keys have age's default, 2^18.
const maxWork = 20

// ErrPassphrase is wrapped by the error about a wrong or missing passphrase.
var ErrPassphrase = errors.New("no key without its passphrase")

// encrypt puts a key file under a passphrase: age with scrypt, armored.
func (k Keyring) encrypt(name string, plain []byte) ([]byte, error) {
	phrase, err := k.ask(name, true)
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(string(phrase))
	if err != nil {
		return nil, err
	}
	if k.work > 0 {
		recipient.SetWorkFactor(k.work)
	}
	var file bytes.Buffer
	armored := armor.NewWriter(&file)
	w, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), armored.Close()); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// decrypt opens a file under a passphrase, armored or not.
func (k Keyring) decrypt(name string, file []byte) ([]byte, error) {
	var in io.Reader = bytes.NewReader(file)
	switch {
	case bytes.HasPrefix(file, []byte(ageArmor)):
		in = armor.NewReader(in)
	case !bytes.HasPrefix(file, []byte(ageIntro)):
		return nil, errors.New("not an age file")
	}
	phrase, err := k.ask(name, false)
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(string(phrase))
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWork)
	out, err := age.Decrypt(in, identity)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("wrong passphrase, or not a file under one: %w", ErrPassphrase)
	}
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(out, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > maxFile {
		return nil, fmt.Errorf("over the limit of %d bytes", maxFile)
	}
	return plain, nil
}

func (k Keyring) ask(name string, confirm bool) ([]byte, error) {
	if k.Passphrase == nil {
		return nil, ErrPassphrase
	}
	phrase, err := k.Passphrase(name, confirm)
	if err != nil {
		return nil, err
	}
	if len(phrase) == 0 {
		return nil, fmt.Errorf("the passphrase is empty: %w", ErrPassphrase)
	}
	return phrase, nil
}
