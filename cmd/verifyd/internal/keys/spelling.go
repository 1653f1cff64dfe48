package keys

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A FormatError is a key in a form that verifyd does not read, and what makes one of it that it does.
type FormatError struct {
	What   string
	Remedy string // commands; FILE stands for the key's file
}

func (e *FormatError) Error() string { return e.What }

func form(what, remedy string, args ...any) error {
	return &FormatError{what, fmt.Sprintf(remedy, args...)}
}

// The remedies that several forms share.
const (
	decryptPKCS8 = "openssl pkey -in FILE -out NEW && chmod 600 NEW reads it with its passphrase; verifyd keys new age:NEW makes one under a passphrase that verifyd asks for"
	newKey       = "make one with verifyd keys new NEW --role ROLE"
)

// errSSH is what an SSH key is refused with: it is a login somewhere, and one key has one role.
func errSSH() error {
	return form("this is an SSH key", "%s; to use it nevertheless: cp FILE NEW && ssh-keygen -p -m PKCS8 -f NEW", newKey)
}

// block is a PEM block, or DER without one, and the text before it.
type block struct {
	kind string
	der  []byte
	head string
}

// kinds of blocks that verifyd reads.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
	sec1Block    = "EC PRIVATE KEY"
	paramsBlock  = "EC PARAMETERS" // which OpenSSL writes before it
)

var (
	begins = regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]{1,40})-----`)
	ending = "-----END %s-----"
)

// readBlock finds the one key in a file or a variable. Line ends of any kind, a byte order mark, white space around
// lines, quotes around all, line feeds written as \n or lost altogether do not matter: base64 has none of them.
func readBlock(data []byte) (block, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := otherForm(data); err != nil {
		return block{}, err
	}
	// DER begins as the digit 0 does, and has bytes that no text has.
	if data[0] == 0x30 && bytes.ContainsFunc(data, func(r rune) bool { return r < '\t' }) {
		return derBlock(data)
	}
	text := string(data)
	if !strings.Contains(strings.TrimSpace(text), "\n") {
		text = strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(text)
	}
	text = strings.Trim(text, " \t\r\n\"'")
	var found block
	for at := 0; ; {
		m := begins.FindStringSubmatchIndex(text[at:])
		if m == nil {
			if found.kind == "" {
				return block{}, noBlock(text)
			}
			if rest := strings.TrimSpace(text[at:]); rest != "" {
				return block{}, fmt.Errorf("%d bytes after the key", len(rest))
			}
			return found, nil
		}
		kind, head := text[at+m[2]:at+m[3]], text[at:at+m[0]]
		body, rest, ok := strings.Cut(text[at+m[1]:], fmt.Sprintf(ending, kind))
		if !ok {
			return block{}, fmt.Errorf("not a PEM file: cut off before the end of %s", kind)
		}
		at = len(text) - len(rest)
		if kind == paramsBlock && found.kind == "" {
			continue
		}
		if found.kind != "" {
			return block{}, fmt.Errorf("further keys or certificates after the key: a %s", kind)
		}
		if strings.Contains(body, "ENCRYPTED") {
			return block{}, form("this key is under a passphrase, in OpenSSL's old form", decryptPKCS8)
		}
		der, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return block{}, fmt.Errorf("not a PEM file: %w", err)
		}
		found = block{kind, der, head}
	}
}

// otherForm knows a key that is no PEM file by how it begins.
func otherForm(data []byte) error {
	switch text := bytes.TrimSpace(data); {
	case len(text) == 0:
		return errors.New("not a PEM file: it is empty")
	case bytes.HasPrefix(data, []byte(ageArmor)), bytes.HasPrefix(data, []byte(ageIntro)):
		return errors.New("this key is under a passphrase, refer to it as age:PATH")
	case bytes.HasPrefix(text, []byte("AGE-SECRET-KEY-")), bytes.HasPrefix(text, []byte("age1")), bytes.HasPrefix(text, []byte("# created:")):
		return form("this is a key of age, which encrypts and does not sign", newKey)
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return form("this is a text in UTF-16", "iconv -f UTF-16 -t UTF-8 FILE >NEW && chmod 600 NEW")
	case bytes.HasPrefix(text, []byte("ssh-")), bytes.HasPrefix(text, []byte("ecdsa-sha2-")), bytes.HasPrefix(text, []byte("sk-")), bytes.HasPrefix(text, []byte("---- BEGIN SSH2")):
		return form("this is the public half of an SSH key", "ssh-keygen -e -m PKCS8 -f FILE >NEW writes one of ECDSA in PEM")
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return errSSH()
	case bytes.HasPrefix(text, []byte("{")):
		return form("this is JSON, perhaps a JWK", newKey)
	}
	return nil
}

// noBlock says what a text without a PEM block is.
func noBlock(text string) error {
	const digits = "0123456789abcdefABCDEFx"
	if len(text) >= 64 && strings.Trim(text, digits) == "" {
		return form("not a PEM file: a bare number in hex", newKey)
	}
	if strings.Contains(text, "-----BEGIN") || strings.Contains(text, "-----END") {
		return errors.New("not a PEM file: its first line or its last was changed")
	}
	return form("not a PEM file", newKey)
}

// derBlock takes a file of DER for what it is: PKCS#8, SEC 1 or SPKI.
func derBlock(der []byte) (block, error) {
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(der, &outer)
	if err != nil || len(rest) > 0 {
		return block{}, form("neither a PEM file nor DER", newKey)
	}
	var first asn1.RawValue
	after, err := asn1.Unmarshal(outer.Bytes, &first)
	if err != nil {
		return block{}, form("neither a PEM file nor DER", newKey)
	}
	var second asn1.RawValue
	_, _ = asn1.Unmarshal(after, &second) // without a second element it stays empty, and is none of the below
	switch {
	case first.Tag == asn1.TagInteger && len(first.Bytes) == 1 && first.Bytes[0] == 3:
		return block{}, form("this is a PKCS#12 container", "openssl pkcs12 -in FILE -nodes -nocerts -out NEW && chmod 600 NEW")
	case first.Tag == asn1.TagInteger && second.Tag == asn1.TagSequence:
		return block{kind: privateBlock, der: der}, nil
	case first.Tag == asn1.TagInteger && second.Tag == asn1.TagOctetString:
		return block{kind: sec1Block, der: der}, nil
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagBitString:
		return block{kind: publicBlock, der: der}, nil
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagOctetString:
		return block{kind: "ENCRYPTED PRIVATE KEY", der: der}, nil
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagSequence:
		return block{kind: "CERTIFICATE", der: der}, nil
	}
	return block{}, form("DER, but not of a key", newKey)
}

// private is the private key of a block.
func (b block) private() (private, error) {
	switch b.kind {
	case privateBlock:
		return parsePrivate(b.der)
	case sec1Block:
		return parseSEC1(b.der)
	case publicBlock, "EC PUBLIC KEY", "RSA PUBLIC KEY":
		return private{}, form("this is a public key, want the private one", "its name has no %s at the end, if verifyd made it", PublicSuffix)
	}
	return private{}, b.other()
}

// public is the public key of a block.
func (b block) public() (any, error) {
	switch b.kind {
	case publicBlock:
		return parsePublic(b.der)
	case privateBlock, sec1Block, "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "RSA PRIVATE KEY":
		return nil, ErrPrivateWhereKeyIsPublic
	}
	return nil, b.other()
}

// other refuses what is neither.
func (b block) other() error {
	switch b.kind {
	case "ENCRYPTED PRIVATE KEY":
		return form("this key is under a passphrase, as PKCS#8 has it", decryptPKCS8)
	case "OPENSSH PRIVATE KEY":
		return errSSH()
	case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
		return form("this is an X.509 certificate", "openssl x509 -in FILE -pubkey -noout >NEW.pub writes the public key in it; the private one is in another file")
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return form("this is a certificate request", "openssl req -in FILE -pubkey -noout >NEW.pub writes the public key in it; the private one is in another file")
	case "RSA PRIVATE KEY", "DSA PRIVATE KEY", "RSA PUBLIC KEY":
		return &FormatError{fmt.Sprintf("this is a %s: %v", b.kind, errAlgorithm), newKey}
	}
	return form(fmt.Sprintf("PEM block is %.40q, want %q or %q", b.kind, privateBlock, publicBlock), newKey)
}
