package job

import "github.com/verifyd/verifyd/verify/witness"

// Log is the transparency log that the operator enters assignments, receipts and openings into, and whose word time
// rests on. Only a witness's cosignature carries a time: without witnesses the operator is believed about it.
type Log struct {
	Key       string   `json:"key"` // the log's verifier key: NAME+HASH+BASE64, as golang.org/x/mod/sumdb/note writes it
	Witnesses []string `json:"witnesses,omitempty"`
	Threshold uint32   `json:"threshold"` // witnesses whose cosignatures are needed; 0 without witnesses
}

// Check returns an error that names the field unless the log is one that can be kept to: its key and those of its
// witnesses are such that signatures can be checked with them.
func (l *Log) Check() error {
	_, err := l.Read()
	return err
}

// Read is the log with its keys, ready to check proofs.
func (l *Log) Read() (*witness.Log, error) { return witness.NewLog(l.Key, l.Witnesses, l.Threshold) }
