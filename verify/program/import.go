package program

import "github.com/verifyd/verifyd/verify/fault"

// Import reads a program from JSON in any spelling: fields in any order, with spaces. What it says is checked as Parse does, and
// JSON gives the canonical bytes.
func Import(data []byte) (*Program, error) {
	if len(data) > MaxJSON {
		return nil, fault.New(fault.TooLarge, what, "", "%d bytes is above the limit %d", len(data), MaxJSON)
	}
	if err := checkDepth(data); err != nil {
		return nil, fault.In(what, err)
	}
	p := new(Program)
	if err := unmarshal(data, p); err != nil {
		return nil, fault.In(what, err)
	}
	if _, err := p.check(); err != nil {
		return nil, err
	}
	if n := len(p.JSON()); n > MaxJSON {
		return nil, fault.New(fault.TooLarge, what, "", "%d canonical bytes is above the limit %d", n, MaxJSON)
	}
	return p, nil
}
