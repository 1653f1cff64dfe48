package score

import (
	"crypto"
	"encoding/hex"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/verify/document"
)

// EarnedFile is the name of the file of totals.
const EarnedFile = "earned.json"

// File is one of those that an epoch leaves.
type File struct {
	Name   string
	Data   []byte
	Signed bool // a proof, which goes to the log before anybody has it
}

// Files are those of the epoch: the totals, and each contribution as a proof that signer signs or, without one, as a
// body to be signed. A contribution's file is named by its nullifier, which a ledger knows it by.
func (r *Result) Files(signer crypto.Signer) ([]File, error) {
	earned, err := document.Encode(r.Earned)
	if err != nil {
		return nil, err
	}
	files := []File{{Name: EarnedFile, Data: append(earned, '\n')}}
	for _, s := range r.Statements {
		nullifier := s.Contribution.Nullifier()
		name := hex.EncodeToString(nullifier[:])
		if signer == nil {
			body, err := proofs.Encode(s.Contribution)
			if err != nil {
				return nil, err
			}
			files = append(files, File{Name: name + ".body", Data: body})
			continue
		}
		signed, err := proofs.Sign(s.Contribution, signer)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name + ".proof", Data: signed.Bytes(), Signed: true})
	}
	return files, nil
}

// Contributions are those of the epoch.
func (r *Result) Contributions() []proofs.Contribution {
	all := make([]proofs.Contribution, len(r.Statements))
	for i, s := range r.Statements {
		all[i] = s.Contribution
	}
	return all
}

// Signed is the content of those files that are signed: what a log gets.
func Signed(files []File) [][]byte {
	var signed [][]byte
	for _, f := range files {
		if f.Signed {
			signed = append(signed, f.Data)
		}
	}
	return signed
}
