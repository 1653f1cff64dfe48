package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// PassphraseFile is the environment variable that names a file with the
// passphrase, for where there is nobody to ask.
const PassphraseFile = "VERIFYD_PASSPHRASE_FILE"

// AskPassphrase reads a passphrase from the file that [PassphraseFile] names,
// or else from the terminal, without showing it. A new one is asked for twice.
func AskPassphrase(messages io.Writer) Passphrase {
	return func(key string, confirm bool) ([]byte, error) {
		if path := os.Getenv(PassphraseFile); path != "" {
			data, err := ReadSecret(path)
			if err != nil {
				return nil, fmt.Errorf("$%s: %w", PassphraseFile, err)
			}
			return bytes.TrimRight(data, "\r\n"), nil
		}
		in := int(os.Stdin.Fd())
		if !term.IsTerminal(in) {
			return nil, fmt.Errorf("$%s is not set and there is no terminal to ask on: %w", PassphraseFile, ErrPassphrase)
		}
		first, err := prompt(messages, in, fmt.Sprintf("passphrase for %s: ", key))
		if err != nil || !confirm {
			return first, err
		}
		again, err := prompt(messages, in, "the same again: ")
		if err == nil && !bytes.Equal(first, again) {
			err = errors.New("the two passphrases differ")
		}
		return first, err
	}
}

func prompt(messages io.Writer, in int, text string) ([]byte, error) {
	if _, err := fmt.Fprint(messages, text); err != nil {
		return nil, err
	}
	phrase, err := term.ReadPassword(in)
	if _, lineErr := fmt.Fprintln(messages); lineErr != nil {
		err = errors.Join(err, lineErr)
	}
	return phrase, err
}
