package gpu

import (
	"encoding/json"
	"fmt"

	"github.com/verifyd/verifyd/cgo"
)

const maxGreeting = 64 << 10 // bytes

// greeting is the first thing that a child says: what it serves, or why it cannot.
type greeting struct {
	Info    cgo.Info
	Failure []byte `json:",omitempty"`
}

func greet(info cgo.Info, failed error) ([]byte, error) {
	g := greeting{Info: info}
	if failed != nil {
		g.Failure = encodeFailure(failed)
	}
	return json.Marshal(g)
}

func parseGreeting(data []byte) (cgo.Info, error) {
	var g greeting
	if len(data) > maxGreeting {
		return cgo.Info{}, fmt.Errorf("%w: a greeting of %d bytes", errProtocol, len(data))
	}
	if err := json.Unmarshal(data, &g); err != nil {
		return cgo.Info{}, fmt.Errorf("%w: greeting: %w", errProtocol, err)
	}
	if g.Failure != nil {
		f, err := decodeFailure(g.Failure)
		if err != nil {
			return cgo.Info{}, err
		}
		return cgo.Info{}, f
	}
	g.Info.Name = plain(g.Info.Name)
	return g.Info, nil
}
