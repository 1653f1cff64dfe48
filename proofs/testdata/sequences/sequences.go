// Package sequences holds what ledgers must answer to sequences of calls, for
// implementations in any language. README.md has the form of the files.
package sequences

import (
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/testdata/vectors"
	"github.com/verifyd/verifyd/proofs/translog"
)

// Files are the sequences, one text file each.
//
//go:embed *.txt
var Files embed.FS

// A Sequence is what is asked of a new ledger, call by call.
type Sequence struct {
	vectors.Vector
	Steps []Step
}

// A Step is a call and its answer.
type Step struct {
	Do     string // the call, see README.md
	Expect string // "success", what it pays with it, or the failure class
	Input  string
}

// File is the input where it is a file: the line and its newline.
func (s Step) File() []byte { return []byte(s.Input + "\n") }

// Hex is the input where it is bytes.
func (s Step) Hex() ([]byte, error) { return hex.DecodeString(strings.TrimPrefix(s.Input, "0x")) }

// All returns every sequence that an implementation (go, sql, evm, python) has
// the operations for, in the order of their names.
func All(reader string) ([]Sequence, error) {
	names, err := fs.Glob(Files, "*.txt")
	if err != nil {
		return nil, err
	}
	var all []Sequence
	for _, name := range names {
		data, err := Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := Parse(strings.TrimSuffix(name, ".txt"), data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if strings.Contains(" "+s.Facts["readers"]+" ", " "+reader+" ") {
			all = append(all, s)
		}
	}
	return all, nil
}

// Parse reads one sequence's file.
func Parse(name string, data []byte) (Sequence, error) {
	v, err := vectors.Parse(name, data)
	if err != nil {
		return Sequence{}, err
	}
	s := Sequence{Vector: v}
	for block := range strings.SplitSeq(strings.TrimSuffix(string(v.Body), "\n"), "\n\n") {
		var step Step
		for line := range strings.SplitSeq(block, "\n") {
			key, value, ok := strings.Cut(line, ": ")
			field, known := map[string]*string{"step": &step.Do, "expect": &step.Expect, "input": &step.Input}[key]
			if !ok || !known {
				return Sequence{}, fmt.Errorf("step %d: line %.40q is not step, expect or input", len(s.Steps)+1, line)
			}
			*field = value
		}
		s.Steps = append(s.Steps, step)
	}
	return s, nil
}

// Ledger is the one that the sequence begins with.
func (s Sequence) Ledger() (*bundle.Ledger, error) {
	l := &bundle.Ledger{}
	for name, h := range map[string]*proofs.Hash{"audience": &l.Audience, "pool": &l.PoolID, "policy": &l.PolicyHash} {
		raw, err := hex.DecodeString(strings.TrimPrefix(s.Facts[name], "0x"))
		if err != nil || len(raw) != len(h) {
			return nil, fmt.Errorf("%s: not a hash", name)
		}
		*h = proofs.Hash(raw)
	}
	body, err := hex.DecodeString(s.Facts["signers"])
	if err != nil {
		return nil, fmt.Errorf("signers: %w", err)
	}
	set, err := proofs.Parse("application/vnd.verifyd.signer-set.v1+abi", body)
	if err != nil {
		return nil, fmt.Errorf("signers: %w", err)
	}
	l.Signers = set.(proofs.SignerSet)
	if key, ok := s.Facts["log"]; ok {
		if l.Log, err = translog.NewPolicy(key); err != nil {
			return nil, err
		}
	}
	now, err := strconv.ParseInt(s.Facts["now"], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("now: %w", err)
	}
	l.Now = time.Unix(now, 0)
	if growth, ok := s.Facts["growth"]; ok {
		if l.EpochGrowth, err = strconv.ParseUint(growth, 10, 64); err != nil {
			return nil, fmt.Errorf("growth: %w", err)
		}
	}
	return l, nil
}
