package keys

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// ours is a key of a role, its files and what they hold.
func ours(t *testing.T, role Role, a Algorithm) (path string, private, public []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key.pem")
	if _, err := (Keyring{}).New(path, role, a); err != nil {
		t.Fatal(err)
	}
	private, errA := os.ReadFile(path)
	public, errB := os.ReadFile(path + PublicSuffix)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	return path, private, public
}

// respellings are what editors, shells and other systems make of a text.
func respellings(text string) map[string]string {
	flat := strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
	return map[string]string{
		"as it is":                 text,
		"byte order mark":          "\xef\xbb\xbf" + text,
		"CRLF":                     strings.ReplaceAll(text, "\n", "\r\n"),
		"CR":                       strings.ReplaceAll(text, "\n", "\r"),
		"mark and CRLF":            "\xef\xbb\xbf" + strings.ReplaceAll(text, "\n", "\r\n"),
		"no line feed at the end":  strings.TrimSpace(text),
		"empty lines around":       "\n\n" + text + "\n\n",
		"trailing spaces":          strings.ReplaceAll(text, "\n", "  \n"),
		"trailing tabs":            strings.ReplaceAll(text, "\n", "\t\n"),
		"indented":                 "    " + strings.ReplaceAll(text, "\n", "\n    "),
		"literal line feeds":       strings.ReplaceAll(text, "\n", `\n`),
		"literal CRLF":             strings.ReplaceAll(text, "\n", `\r\n`),
		"literal, with one at end": strings.ReplaceAll(text, "\n", `\n`) + "\n",
		"quoted":                   `"` + strings.ReplaceAll(text, "\n", `\n`) + `"`,
		"single quotes":            "'" + text + "'",
		"on one line":              flat,
		"a comment in front":       "# verifier of the pool\n" + text,
	}
}

// TestAKeyAndItsRoleAreReadInEverySpelling: whatever happened to white space, the key is the same and so is its role.
func TestAKeyAndItsRoleAreReadInEverySpelling(t *testing.T) {
	for _, a := range Algorithms() {
		path, private, public := ours(t, Verifier, a)
		s, err := (Keyring{}).Open(t.Context(), path, Verifier)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range respellings(string(private)) {
			t.Setenv("VERIFYD_TEST_KEY", text)
			got, err := (Keyring{}).Open(t.Context(), "env:VERIFYD_TEST_KEY", Verifier)
			if err != nil || id(t, got.Public()) != id(t, s.Public()) {
				t.Errorf("%s: private, %s: %v", a, name, err)
			}
			if _, err := (Keyring{}).Open(t.Context(), "env:VERIFYD_TEST_KEY", Log); !errors.Is(err, ErrRole) {
				t.Errorf("%s: private, %s, as the log's: %v", a, name, err)
			}
		}
		for name, text := range respellings(string(public)) {
			got, c, err := decodePublic([]byte(text))
			if err != nil || c.role != Verifier || !same(got, s.Public()) {
				t.Errorf("%s: public, %s: %v", a, name, err)
			}
		}
	}
}

// TestNoEditGivesAKeyAnotherRole changes, drops and doubles every byte of a key's files before its block. The key keeps
// its role, has none, or is refused.
func TestNoEditGivesAKeyAnotherRole(t *testing.T) {
	for _, a := range []Algorithm{Ed25519, P256} {
		role := map[Algorithm]Role{Ed25519: Log, P256: Verifier}[a]
		path, private, public := ours(t, role, a)
		for _, file := range [][]byte{private, public} {
			end := bytes.Index(file, []byte("-----BEGIN"))
			for i := range end {
				for _, edited := range [][]byte{
					append(bytes.Clone(file[:i]), file[i+1:]...),
					append(append(bytes.Clone(file[:i+1]), file[i]), file[i+1:]...),
					append(append(bytes.Clone(file[:i]), file[i]^1), file[i+1:]...),
					append(append(bytes.Clone(file[:i]), file[i]^0x20), file[i+1:]...),
				} {
					var c certificate
					var err error
					if bytes.Contains(file, []byte("PRIVATE")) {
						_, c, err = decodePrivate(edited)
					} else {
						_, c, err = decodePublic(edited)
					}
					if err == nil && c.role != role && c.role != "" {
						t.Fatalf("%s became a %s: %q", path, c.role, edited[:end])
					}
				}
			}
		}
	}
}

// TestACertificateIsOfOneKey puts one key's certificate in front of another's.
func TestACertificateIsOfOneKey(t *testing.T) {
	_, private, _ := ours(t, Verifier, P256)
	_, other, _ := ours(t, Worker, P256)
	line, _, _ := bytes.Cut(private, []byte("\n"))
	_, bare, _ := bytes.Cut(other, []byte("\n"))
	t.Setenv("VERIFYD_TEST_KEY", string(line)+"\n"+string(bare))
	if _, err := (Keyring{}).Open(t.Context(), "env:VERIFYD_TEST_KEY", Verifier); !errors.Is(err, ErrRole) {
		t.Errorf("%v", err)
	}
}

// TestAKeyWithoutARoleIsUsedInNone, until it is given one.
func TestAKeyWithoutARoleIsUsedInNone(t *testing.T) {
	path, private, public := ours(t, Verifier, P256)
	_, bare, _ := bytes.Cut(private, []byte("\n"))
	_, barePublic, _ := bytes.Cut(public, []byte("\n"))
	dir := t.TempDir()
	key := filepath.Join(dir, "k.pem")
	if err := errors.Join(os.WriteFile(key, bare, 0o600), os.WriteFile(key+".other", barePublic, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, role := range Roles() {
		if _, err := (Keyring{}).Open(t.Context(), key, role); !errors.Is(err, ErrNoRole) {
			t.Errorf("private as %s: %v", role, err)
		}
		if _, err := ReadPublic(key+".other", role); !errors.Is(err, ErrNoRole) {
			t.Errorf("public as %s: %v", role, err)
		}
		if role.Allows(P256) != nil {
			continue
		}
		if s, err := (Keyring{}).Open(t.Context(), string(role)+"="+key, role); err != nil || s.Role() != role {
			t.Errorf("private, given %s: %v", role, err)
		}
		if p, err := ReadPublic(string(role)+"="+key+".other", role); err != nil || p.Role != role {
			t.Errorf("public, given %s: %v", role, err)
		}
	}
	bound := func(is bool) Binding { return func(crypto.PublicKey) bool { return is } }
	if _, err := (Keyring{}).Open(t.Context(), key, Verifier, bound(false)); !errors.Is(err, ErrNoRole) {
		t.Errorf("bound to nothing: %v", err)
	}
	if s, err := (Keyring{}).Open(t.Context(), key, Verifier, bound(true)); err != nil || s.Role() != Verifier {
		t.Errorf("bound: %v", err)
	}
	if _, err := (Keyring{}).Open(t.Context(), path, Worker, bound(true)); !errors.Is(err, ErrRole) {
		t.Errorf("bound, and certified for another role: %v", err)
	}
	if _, err := (Keyring{}).Certify(t.Context(), key, Worker, key+PublicSuffix); err != nil {
		t.Fatal(err)
	}
	if s, err := (Keyring{}).Open(t.Context(), key, Worker); err != nil || s.Role() != Worker {
		t.Errorf("certified: %v", err)
	}
	if _, err := (Keyring{}).Certify(t.Context(), key, Verifier, key+"2"); !errors.Is(err, ErrRole) {
		t.Errorf("certified twice: %v", err)
	}
}

// made is what openssl, ssh-keygen and shells make of a key, and what becomes of it: it is read, or refused in words
// and with a remedy.
type made struct {
	shell  string // writes k, in an empty folder
	public bool
	says   string // of the error; empty if it is read
	remedy string
}

var spellings = map[string]made{
	"SEC 1":                 {shell: "openssl ecparam -name prime256v1 -genkey -noout -out k"},
	"SEC 1 with parameters": {shell: "openssl ecparam -name prime256v1 -genkey -out k"},
	"SEC 1 of secp256k1":    {shell: "openssl ecparam -name secp256k1 -genkey -out k"},
	"SEC 1 in DER":          {shell: "openssl ecparam -name prime256v1 -genkey -noout | openssl ec -outform DER -out k"},
	"PKCS#8 in DER":         {shell: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER -out k"},
	"Ed25519 in DER":        {shell: "openssl genpkey -algorithm ed25519 -outform DER -out k"},
	"secp256k1 in DER":      {shell: "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -outform DER -out k"},
	"SPKI in DER":           {shell: "openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER -out k", public: true},
	"bag attributes":        {shell: "(echo 'Bag Attributes'; echo '    friendlyName: x'; openssl genpkey -algorithm ed25519) >k"},

	"encrypted PKCS#8":        {shell: "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out k", says: "under a passphrase, as PKCS#8 has it", remedy: "openssl pkey -in FILE"},
	"encrypted PKCS#8 in DER": {shell: "openssl genpkey -algorithm ed25519 | openssl pkcs8 -topk8 -outform DER -passout pass:x -out k", says: "under a passphrase, as PKCS#8 has it", remedy: "openssl pkey -in FILE"},
	"encrypted SEC 1":         {shell: "openssl ecparam -name prime256v1 -genkey | openssl ec -aes128 -passout pass:x -out k", says: "OpenSSL's old form", remedy: "openssl pkey -in FILE"},
	"OpenSSH":                 {shell: "ssh-keygen -q -t ed25519 -N '' -f k", says: "an SSH key", remedy: "ssh-keygen -p -m PKCS8"},
	"OpenSSH, encrypted":      {shell: "ssh-keygen -q -t ecdsa -N secret -f k", says: "an SSH key", remedy: "verifyd keys new"},
	"OpenSSH's public half":   {shell: "ssh-keygen -q -t ecdsa -N '' -f x && mv x.pub k", public: true, says: "public half of an SSH key", remedy: "ssh-keygen -e -m PKCS8 -f FILE"},
	"SSH2's public half":      {shell: "ssh-keygen -q -t ecdsa -N '' -f x && ssh-keygen -e -m RFC4716 -f x >k", public: true, says: "public half of an SSH key", remedy: "ssh-keygen -e"},
	"certificate":             {shell: certificateShell + " -out k", public: true, says: "X.509 certificate", remedy: "openssl x509 -in FILE -pubkey"},
	"certificate in DER":      {shell: certificateShell + " -outform DER -out k", public: true, says: "X.509 certificate", remedy: "openssl x509 -in FILE -pubkey"},
	"certificate for private": {shell: certificateShell + " -out k", says: "X.509 certificate", remedy: "openssl x509"},
	"request":                 {shell: "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x -subj /CN=x -out k", public: true, says: "certificate request", remedy: "openssl req -in FILE"},
	"PKCS#12":                 {shell: certificateShell + " -out c && openssl pkcs12 -export -inkey x -in c -passout pass:x -out k", says: "PKCS#12", remedy: "openssl pkcs12 -in FILE"},
	"RSA":                     {shell: "openssl genrsa -traditional -out k 1024", says: "RSA PRIVATE KEY", remedy: "verifyd keys new"},
	"RSA in PKCS#8":           {shell: "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out k", says: "P-256 or secp256k1"},
	"another curve":           {shell: "openssl ecparam -name secp384r1 -genkey -out k", says: "P-256 or secp256k1"},
	"public for private":      {shell: "openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out k", says: "this is a public key, want the private one", remedy: "its name"},
	"public DER for private":  {shell: "openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER -out k", says: "this is a public key, want the private one"},
	"private for public":      {shell: "openssl genpkey -algorithm ed25519 -out k", public: true, says: "this is a private key, want the public one"},
	"SEC 1 for public":        {shell: "openssl ecparam -name prime256v1 -genkey -out k", public: true, says: "this is a private key, want the public one"},
	"OpenSSH for public":      {shell: "ssh-keygen -q -t ed25519 -N '' -f k", public: true, says: "this is a private key, want the public one"},
	"key and certificate":     {shell: certificateShell + " -out c && cat x c >k", says: "after the key: a CERTIFICATE"},
	"UTF-16":                  {shell: "openssl genpkey -algorithm ed25519 -out k # and see below", says: "UTF-16", remedy: "iconv"},
	"empty":                   {shell: ": >k", says: "it is empty"},
	"white space":             {shell: "echo >k", says: "it is empty"},
	"a number from 0":         {shell: "(printf 0; openssl rand -hex 32) >k", says: "bare number", remedy: "verifyd keys new"},
	"a number in hex":         {shell: "openssl rand -hex 32 >k", says: "bare number", remedy: "verifyd keys new"},
	"JSON":                    {shell: "echo '{\"kty\":\"EC\"}' >k", says: "JWK", remedy: "verifyd keys new"},
	"words":                   {shell: "echo hello >k", says: "not a PEM file", remedy: "verifyd keys new"},
	"a dash lost":             {shell: "openssl genpkey -algorithm ed25519 | sed s/-----BEGIN/----BEGIN/ >k", says: "first line or its last was changed"},
	"cut off":                 {shell: "openssl genpkey -algorithm ed25519 | head -2 >k", says: "cut off before the end"},
	"a bad letter":            {shell: "openssl genpkey -algorithm ed25519 | sed s/^MC/M?/ >k", says: "illegal base64"},
	"age's own key":           {shell: "echo AGE-SECRET-KEY-1QQQ >k", says: "key of age", remedy: "verifyd keys new"},
}

const certificateShell = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x -subj /CN=x -days 1"

func TestWhatOtherToolsMakeIsReadOrRefusedWithItsRemedy(t *testing.T) {
	for _, tool := range []string{"openssl", "ssh-keygen"} {
		need(t, tool)
	}
	for name, m := range spellings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "k")
			sh := exec.Command("sh", "-c", m.shell)
			sh.Dir = dir
			if out, err := sh.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if name == "UTF-16" {
				text, _ := os.ReadFile(path)
				wide := []byte{0xff, 0xfe}
				for _, u := range utf16.Encode([]rune(string(text))) {
					wide = append(wide, byte(u), byte(u>>8))
				}
				if err := os.WriteFile(path, wide, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			var err error
			if m.public {
				_, err = ReadPublic(path, "")
			} else {
				var s *Signer
				if s, err = (Keyring{}).Open(t.Context(), path, ""); err == nil {
					signs(t, s)
				}
			}
			switch {
			case m.says == "":
				if err != nil {
					t.Error(err)
				}
				return
			case err == nil || !strings.Contains(err.Error(), m.says) || !strings.HasPrefix(err.Error(), path+": "):
				t.Errorf("error %v does not say %q", err, m.says)
			}
			var form *FormatError
			if m.remedy != "" && (!errors.As(err, &form) || !strings.Contains(form.Remedy, m.remedy)) {
				t.Errorf("error %#v has not the remedy %q", err, m.remedy)
			}
		})
	}
}

// TestTheRemediesWork does what they say to do.
func TestTheRemediesWork(t *testing.T) {
	for name, m := range map[string]made{
		"encrypted PKCS#8": {shell: "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out k && openssl pkey -passin pass:x -in k -out n"},
		"encrypted SEC 1":  {shell: "openssl ecparam -name prime256v1 -genkey | openssl ec -aes128 -passout pass:x -out k && openssl pkey -passin pass:x -in k -out n"},
		"OpenSSH":          {shell: "ssh-keygen -q -t ecdsa -N '' -f k && cp k n && ssh-keygen -q -p -N '' -m PKCS8 -f n"},
		"SSH's public":     {shell: "ssh-keygen -q -t ecdsa -N '' -f k && ssh-keygen -e -m PKCS8 -f k.pub >n", public: true},
		"certificate":      {shell: certificateShell + " -out k && openssl x509 -in k -pubkey -noout >n", public: true},
		"request":          {shell: "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x -subj /CN=x -out k && openssl req -in k -pubkey -noout >n", public: true},
		"PKCS#12":          {shell: certificateShell + " -out c && openssl pkcs12 -export -inkey x -in c -passout pass:x -out k && openssl pkcs12 -passin pass:x -in k -nodes -nocerts -out n"},
		"UTF-16":           {shell: "openssl genpkey -algorithm ed25519 | iconv -f UTF-8 -t UTF-16 >k && iconv -f UTF-16 -t UTF-8 k >n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openssl(t, "version")
			dir := t.TempDir()
			sh := exec.Command("sh", "-c", m.shell+" && chmod 600 n")
			sh.Dir = dir
			if out, err := sh.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var err error
			if m.public {
				_, err = ReadPublic(filepath.Join(dir, "n"), "")
			} else {
				_, err = (Keyring{}).Open(t.Context(), filepath.Join(dir, "n"), "")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOtherReadersPassOverTheCertificate: Go's own, which takes what RFC 7468 says.
func TestOtherReadersPassOverTheCertificate(t *testing.T) {
	_, private, public := ours(t, Verifier, Secp256k1)
	for _, file := range [][]byte{private, public} {
		if block, rest := pem.Decode(file); block == nil || len(rest) > 0 {
			t.Errorf("%q", file)
		}
	}
}
