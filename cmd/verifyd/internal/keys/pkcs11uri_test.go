package keys

import (
	"strings"
	"testing"
)

func TestAURIOfHardwareIsTakenApart(t *testing.T) {
	want := token{token: "my pool", object: "verifyd-verifier-2", module: "/usr/lib/p11.so", pin: "/run/pin"}
	for _, ref := range []string{
		"pkcs11:token=my%20pool;object=verifyd-verifier-2?module-path=/usr/lib/p11.so&pin-source=/run/pin",
		"pkcs11:object=verifyd-verifier-2;token=my%20pool?pin-source=file:/run/pin&module-path=/usr/lib/p11.so",
	} {
		if got, err := parsePKCS11(ref); err != nil || got != want {
			t.Errorf("%s: %+v, %v", ref, got, err)
		}
	}
	for ref, words := range map[string]string{
		"pkcs11:token=t;object=k":                                                            "module-path",
		"pkcs11:token=t;object=k?module-path=/m":                                             "pin-source",
		"pkcs11:token=t?module-path=/m&pin-source=/p":                                        "want object",
		"pkcs11:token=t;serial=1;object=k?module-path=/m&pin-source=/p":                      "one of them",
		"pkcs11:token=t;token=u;object=k?module-path=/m&pin-source=/p":                       "twice",
		"pkcs11:token=%zz;object=k?module-path=/m&pin-source=/p":                             "badly escaped",
		"pkcs11:token=t;object=k?module-path=/m&pin-source=/p&pin-value=1234":                `"pin-value" is not one`,
		"pkcs11:manufacturer=m;token=t;object=k?module-path=/m&pin-source=/p&pin-value=1234": `"manufacturer" is not one`,
	} {
		_, err := parsePKCS11(ref)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: error %v does not say %q", ref, err, words)
		}
		if err != nil && strings.Contains(err.Error(), "1234") {
			t.Errorf("the error tells the PIN: %v", err)
		}
	}
}

func TestALabelStatesARole(t *testing.T) {
	for label, want := range map[string]Role{
		"verifyd-verifier": Verifier, "verifyd-log-2026": Log, "verifyd-king": "", "verifier": "", "my-verifyd-log": "",
	} {
		if got := labelRole(label); got != want {
			t.Errorf("%s: %q, want %q", label, got, want)
		}
	}
}

func FuzzReference(f *testing.F) {
	f.Add("pkcs11:token=my%20pool;object=verifyd-verifier-2?module-path=/usr/lib/p11.so&pin-source=/run/pin")
	f.Add("plugin:file:k")
	f.Add("env:NAME")
	f.Fuzz(func(t *testing.T, ref string) {
		got, err := parsePKCS11(ref)
		if err == nil && (got.object == "" || got.module == "" || got.pin == "") {
			t.Fatalf("%q is taken as %+v", ref, got)
		}
	})
}
