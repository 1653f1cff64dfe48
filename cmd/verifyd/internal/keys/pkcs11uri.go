package keys

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrNoPKCS11 means that this build cannot speak to hardware.
var ErrNoPKCS11 = errors.New("this verifyd was built without PKCS#11")

// token names a key in hardware: the parts of RFC 7512 that verifyd takes. Two
// of token, serial and object are not needed together.
type token struct {
	token, serial string // of the device: one of them
	object        string // label of the key
	module        string // module-path: the library that speaks for the device
	pin           string // pin-source: file with the PIN; file: before it may be left out
}

// parsePKCS11 reads a URI. The PIN itself in it (pin-value) is refused: it
// would be seen by whoever sees the command line.
func parsePKCS11(ref string) (t token, err error) {
	_, rest := split(ref)
	path, query, _ := strings.Cut(rest, "?")
	fields := map[string]*string{"token": &t.token, "serial": &t.serial, "object": &t.object}
	if err := attributes(path, ";", fields); err != nil {
		return t, fmt.Errorf("%s: %w", withoutQuery(ref), err)
	}
	fields = map[string]*string{"module-path": &t.module, "pin-source": &t.pin}
	if err := attributes(query, "&", fields); err != nil {
		return t, fmt.Errorf("%s: %w", withoutQuery(ref), err)
	}
	t.pin = strings.TrimPrefix(t.pin, "file:")
	switch {
	case (t.token == "") == (t.serial == ""):
		return t, fmt.Errorf("%s: want token or serial, one of them", withoutQuery(ref))
	case t.object == "":
		return t, fmt.Errorf("%s: want object, the label of the key", withoutQuery(ref))
	case t.module == "":
		return t, fmt.Errorf("%s: want ?module-path=, the library of the device", withoutQuery(ref))
	case t.pin == "":
		return t, fmt.Errorf("%s: want &pin-source=, a file with the PIN", withoutQuery(ref))
	}
	return t, nil
}

func attributes(text, separator string, fields map[string]*string) error {
	if text == "" {
		return nil
	}
	for _, attribute := range strings.Split(text, separator) {
		name, value, _ := strings.Cut(attribute, "=")
		field, ok := fields[name]
		if !ok {
			return fmt.Errorf("attribute %.40q is not one that verifyd takes", name)
		}
		plain, err := url.PathUnescape(value)
		if err != nil || *field != "" {
			return fmt.Errorf("attribute %s: badly escaped, or twice", name)
		}
		*field = plain
	}
	return nil
}

// withoutQuery is a reference for messages: what follows the question mark may
// hold what is nobody's business.
func withoutQuery(ref string) string {
	ref, _, _ = strings.Cut(ref, "?")
	return ref
}

// labelRole is the role that a key's label states: the part behind
// "verifyd-ROLE", if it begins so.
func labelRole(label string) Role {
	rest, ok := strings.CutPrefix(label, "verifyd-")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "-")
	role, err := ParseRole(name)
	if err != nil {
		return ""
	}
	return role
}
