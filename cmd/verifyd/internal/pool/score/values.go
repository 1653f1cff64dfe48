package score

import (
	"bytes"
	"cmp"
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify/document"
)

// ValuesVersion is the only version of values that this version of verifyd knows.
const ValuesVersion = "verifyd-values/1"

const valuesKind = document.Kind("values")

// Values is what was measured of claims beside their verdicts, signed by whom the verifier trusts to value data. A claim
// that is not in it has zero of each.
//
// Values and their standard errors come from a certificate that was audited against a frozen list of claims: whoever
// audits it again gets the same ones. What else is measured is the signer's word.
type Values struct {
	Version string      `json:"version"`
	Policy  policy.Hash `json:"policy"` // of the jobs
	// Validation is the root of the validation set that was used. It must be the policy's.
	Validation policy.Hash `json:"validation"`
	// List is the digest of the list of claims, and Certificate the SHA-256 of the certificate's file. Both are zero
	// if nothing was valued.
	List        policy.Hash `json:"list"`
	Certificate policy.Hash `json:"certificate"`
	Values      []Value     `json:"values"` // in the order of worker, task and slot
}

// Value is what was measured of one claim. The scales are those of
// [policy.Measurement].
type Value struct {
	Improvement policy.Int    `json:"improvement"`
	Quality     uint64        `json:"quality"`
	Slot        uint32        `json:"slot"`
	StdErr      policy.Uint   `json:"stdErr"`
	Task        policy.Hash   `json:"task"` // digest of the job
	Value       policy.Int    `json:"value"`
	Withheld    proofs.Reason `json:"withheld"` // 0, or one of the policy's own reasons
	Worker      policy.Hash   `json:"worker"`   // key id
}

// id orders values as their claims are.
func (v *Value) id() []byte {
	return binary.BigEndian.AppendUint32(slices.Concat(v.Worker.Hash[:], v.Task.Hash[:]), v.Slot)
}

// valued says that a row states a value.
func (v *Value) valued() bool { return v.Value != (policy.Int{}) || v.StdErr != (policy.Uint{}) }

func (v *Values) check() error {
	var zero policy.Hash
	switch {
	case v.Version != ValuesVersion:
		return fmt.Errorf("version: %.60q, %q is needed", v.Version, ValuesVersion)
	case (v.List == zero) != (v.Certificate == zero):
		return errors.New("certificate: belongs to a list, and a list to a certificate")
	}
	for i := range v.Values {
		row := &v.Values[i]
		if i > 0 && bytes.Compare(v.Values[i-1].id(), row.id()) >= 0 {
			return fmt.Errorf("values[%d]: not in the order of worker, task and slot, or twice the same", i)
		}
		if row.valued() && v.Certificate == zero {
			return fmt.Errorf("values[%d].value: stated without a certificate", i)
		}
	}
	return nil
}

// Sign returns the envelope of v.
func (v *Values) Sign(valuer crypto.Signer) ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	return document.Sign(valuesKind, *v, valuer)
}

// ReadValues reads values that valuer signed, under a policy. Errors begin with file.
func ReadValues(file string, signed []byte, valuer document.Key, p *policy.Policy) (*Values, error) {
	v, _, err := document.Read[Values](file, signed, valuesKind, valuer)
	if err != nil {
		return nil, err
	}
	hash, err := p.Hash()
	if err != nil {
		return nil, err
	}
	if v.Policy.Hash != hash {
		return nil, fmt.Errorf("%s: policy: measured under %s, not %s", file, v.Policy, hash)
	}
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &v, nil
}

// MeasuredVersion is that of a file of what was measured, before it is signed.
const MeasuredVersion = "verifyd-measured/1"

// Measured is what somebody measured of claims beside their values, to be signed as Values.
type Measured struct {
	Rows    []Value `json:"rows"` // in the order of worker, task and slot
	Version string  `json:"version"`
}

// ParseMeasured reads what was measured under a policy. It states no values: those come from a certificate. Errors begin
// with file.
func ParseMeasured(file string, data []byte, p *policy.Policy) (*Values, error) {
	m, err := parse[Measured](file, data)
	if err != nil {
		return nil, err
	}
	if m.Version != MeasuredVersion {
		return nil, fmt.Errorf("%s: version: %.60q, %q is needed", file, m.Version, MeasuredVersion)
	}
	hash, err := p.Hash()
	if err != nil {
		return nil, err
	}
	v := &Values{Version: ValuesVersion, Policy: policy.Hash{Hash: hash}, Validation: p.Validation, Values: m.Rows}
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// Join puts several documents of one policy and one validation set together. Several may measure one claim, but each
// of its measures is one's alone.
func Join(all []*Values) (*Values, error) {
	if len(all) == 0 {
		return nil, nil
	}
	joined := &Values{Version: ValuesVersion, Policy: all[0].Policy, Validation: all[0].Validation}
	for _, v := range all {
		if v.Policy != joined.Policy || v.Validation != joined.Validation {
			return nil, errors.New("values: documents of several policies or validation sets")
		}
		joined.Values = append(joined.Values, v.Values...)
	}
	slices.SortStableFunc(joined.Values, func(a, b Value) int { return bytes.Compare(a.id(), b.id()) })
	rows := joined.Values[:0]
	for _, row := range joined.Values {
		if n := len(rows); n > 0 && bytes.Equal(rows[n-1].id(), row.id()) {
			if err := rows[n-1].add(&row); err != nil {
				return nil, err
			}
			continue
		}
		rows = append(rows, row)
	}
	joined.Values = rows
	return joined, nil
}

// add gives v what another document measured of the same claim.
func (v *Value) add(other *Value) error {
	var zeroInt policy.Int
	if v.valued() && other.valued() || v.Improvement != zeroInt && other.Improvement != zeroInt ||
		v.Quality != 0 && other.Quality != 0 || v.Withheld != 0 && other.Withheld != 0 {
		return fmt.Errorf("values: worker %s, task %s, slot %d: two documents state the same measure of it", v.Worker, v.Task, v.Slot)
	}
	if other.valued() {
		v.Value, v.StdErr = other.Value, other.StdErr
	}
	if other.Improvement != zeroInt {
		v.Improvement = other.Improvement
	}
	v.Quality, v.Withheld = cmp.Or(v.Quality, other.Quality), cmp.Or(v.Withheld, other.Withheld)
	return nil
}
