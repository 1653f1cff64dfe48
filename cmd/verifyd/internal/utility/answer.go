package utility

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/verifyd/verifyd/shapley"
)

// question is the line that asks for the utilities of coalitions.
type question struct {
	Ask        uint64   `json:"ask"`
	Coalitions []string `json:"coalitions"`
}

// End is the last line that a process gets.
const End = `{"end":true}` + "\n"

// bitmap is a coalition of n players in hexadecimal: player i is bit i%8 of byte i/8.
func bitmap(c shapley.Coalition, n int) string {
	b := make([]byte, (n+7)/8)
	for i := range b {
		b[i] = byte(c[i/8] >> (i % 8 * 8))
	}
	return hex.EncodeToString(b)
}

// answer is the line that answers a question.
type answer struct {
	Answer    *uint64  `json:"answer"`
	Utilities []number `json:"utilities"`
	// Error says why there are no utilities, and Coalition which of the question's is to blame, from 0.
	Error     *string `json:"error"`
	Coalition *int    `json:"coalition"`
}

const (
	maxReason = 2000 // bytes of a process' own words that are repeated
	// overhead is what an answer may have beside its utilities, in bytes: its own words included.
	overhead = 64 << 10
)

// limitOf is how long an answer of k utilities may be, in bytes: each with quotes, a comma and room.
func limitOf(k int) int { return overhead + k*(maxNumber+8) }

// bare finds numbers that JSON does not have, and many languages write.
var bare = regexp.MustCompile(`([\[,]\s*)([+-]?(?:[nN]a[nN]|[iI]nf(?:inity)?))(\s*)(?:$|\b)`)

// parseAnswer reads the answer to question ask, of coalitions.
func parseAnswer(line []byte, ask uint64, coalitions []shapley.Coalition, names []string) ([]int64, error) {
	refuse := func(kind Kind, of int, format string, args ...any) error {
		e := &Error{Kind: kind, Reason: fmt.Sprintf(format, args...), names: names}
		if of >= 0 {
			e.Coalition = coalitions[of].Clone()
		} else if len(coalitions) == 1 {
			e.Coalition = coalitions[0].Clone()
		}
		return e
	}
	a, err := decodeAnswer(line)
	if err != nil {
		a, err = decodeAnswer(bare.ReplaceAll(line, []byte(`$1"$2"$3`)))
	}
	switch {
	case err != nil:
		return nil, refuse(Protocol, -1, "%.60q is no answer: %.100v", line, err)
	case a.Answer == nil || *a.Answer != ask:
		return nil, refuse(Protocol, -1, "an answer to question %s, question %d was asked", numberOr(a.Answer), ask)
	case a.Error != nil:
		of := -1
		if a.Coalition != nil {
			if of = *a.Coalition; of < 0 || of >= len(coalitions) {
				return nil, refuse(Protocol, -1, "coalition %d of a question of %d is said to be to blame", of, len(coalitions))
			}
		}
		return nil, refuse(Raised, of, "%.*s", maxReason, *a.Error)
	case len(a.Utilities) != len(coalitions):
		return nil, refuse(Length, -1, "%d utilities for %d coalitions", len(a.Utilities), len(coalitions))
	}
	out := make([]int64, len(coalitions))
	for k, text := range a.Utilities {
		switch out[k], err = parseFixed(string(text)); {
		case errors.Is(err, errNotFinite):
			return nil, refuse(NotFinite, k, "%v", err)
		case errors.Is(err, shapley.ErrOverflow):
			return nil, refuse(TooLarge, k, "%v", err)
		case err != nil:
			return nil, refuse(BadNumber, k, "%v", err)
		}
	}
	return out, nil
}

func decodeAnswer(line []byte) (*answer, error) {
	a := new(answer)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(a); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("something follows its end")
	}
	return a, nil
}

func numberOr(n *uint64) string {
	if n == nil {
		return "without a number"
	}
	return fmt.Sprint(*n)
}
