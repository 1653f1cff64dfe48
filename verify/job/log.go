package job

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/verifyd/verifyd/verify/fault"
)

// MaxWitnesses is the largest number of witnesses of a log.
const MaxWitnesses = 64

// Log is the transparency log that the operator enters assignments, receipts and openings into, and whose word time
// rests on. Only a witness's cosignature carries a time: without witnesses the operator is believed about it.
type Log struct {
	Key       string   `json:"key"` // the log's verifier key: NAME+HASH+BASE64, as golang.org/x/mod/sumdb/note writes it
	Witnesses []string `json:"witnesses,omitempty"`
	Threshold uint32   `json:"threshold"` // witnesses whose cosignatures are needed; 0 without witnesses
}

// Check returns an error that names the field unless the log is one that can be kept to.
func (l *Log) Check() error {
	if err := checkVerifierKey(l.Key); err != nil {
		return fault.Under("key", err)
	}
	if len(l.Witnesses) > MaxWitnesses {
		return fault.New(fault.BadTerms, "", "witnesses", "%d, the limit is %d", len(l.Witnesses), MaxWitnesses)
	}
	seen := map[string]bool{l.Key: true}
	for _, w := range l.Witnesses {
		if err := checkVerifierKey(w); err != nil {
			return fault.Under("witnesses", err)
		}
		if seen[w] {
			return fault.New(fault.BadTerms, "", "witnesses", "%.80q twice", w)
		}
		seen[w] = true
	}
	if n := uint32(len(l.Witnesses)); l.Threshold > n || l.Threshold == 0 && n > 0 {
		return fault.New(fault.BadTerms, "", "threshold", "%d of %d witnesses", l.Threshold, n)
	}
	return nil
}

// checkVerifierKey refuses what is not spelt like a verifier key. Whether the hash is that of the key, whoever checks
// signatures with it finds out.
func checkVerifierKey(key string) error {
	name, rest, _ := strings.Cut(key, "+")
	hash, public, _ := strings.Cut(rest, "+")
	sum, err := hex.DecodeString(hash)
	der, errKey := base64.StdEncoding.Strict().DecodeString(public)
	if name == "" || len(key) > 512 || strings.ContainsAny(key, " \r\n\t") || err != nil || len(sum) != 4 || hash != strings.ToLower(hash) ||
		errKey != nil || len(der) < 2 {
		return fault.New(fault.BadTerms, "", "", "%.80q is not a verifier key: NAME+HASH+BASE64", key)
	}
	return nil
}
