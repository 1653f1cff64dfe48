package utility

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Version is that of the protocol.
const Version = 1

// Limits of what a process says of its game.
const (
	maxHello    = 64 << 20 // bytes of its first line
	maxName     = 1024     // bytes of a player's name
	maxIdentity = 4096     // bytes
	// MaxBatch is the most coalitions of a question.
	MaxBatch = 4096
	// maxQuestion is the most bytes of a question, unless one coalition alone is longer.
	maxQuestion = 4 << 20
)

// Hello is a process' first line: what it plays.
type Hello struct {
	Version int      `json:"verifyd-utility"`
	Players int      `json:"players"`
	Names   []string `json:"names"`    // of the players; none to number them
	Bounds  []number `json:"bounds"`   // none, or the least and the largest utility that there can be
	Null    []int    `json:"null"`     // players that change nothing by construction
	Batch   int      `json:"batch"`    // the most coalitions of a question; 0 is 1
	Name    string   `json:"identity"` // what the utility is, e.g. with digests of its data; part of the game's root

	bounds *shapley.Bounds
}

// number is a decimal number, bare or quoted: the latter can be NaN.
type number string

// UnmarshalJSON takes a JSON number or a string.
func (n *number) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(n))
	}
	*n = number(data)
	return nil
}

// parseHello reads the first line.
func parseHello(line []byte) (*Hello, error) {
	h := new(Hello)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(h); err != nil {
		return nil, fmt.Errorf("first line: %.200w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("first line: something follows its end")
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("first line: %w", err)
	}
	return h, nil
}

func (h *Hello) check() error {
	if h.Version != Version {
		return fmt.Errorf("verifyd-utility: version %d, %d is needed", h.Version, Version)
	}
	if h.Players < 1 || h.Players > shapley.MaxPlayers {
		return fmt.Errorf("players: %d is outside 1 to %d", h.Players, shapley.MaxPlayers)
	}
	if n := len(h.Names); n != 0 && n != h.Players {
		return fmt.Errorf("names: %d of %d players", n, h.Players)
	}
	seen := make(map[string]bool, len(h.Names))
	for i, name := range h.Names {
		if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || seen[name] {
			return fmt.Errorf("names[%d]: %.40q is empty, longer than %d bytes, there twice, or has what is no text", i, name, maxName)
		}
		seen[name] = true
	}
	if h.Batch == 0 {
		h.Batch = 1
	}
	if h.Batch < 1 || h.Batch > MaxBatch {
		return fmt.Errorf("batch: %d is outside 1 to %d", h.Batch, MaxBatch)
	}
	h.Batch = max(1, min(h.Batch, maxQuestion/(2*((h.Players+7)/8)+3)))
	if len(h.Name) > maxIdentity || !utf8.ValidString(h.Name) {
		return fmt.Errorf("identity: want text of at most %d bytes", maxIdentity)
	}
	for k, i := range h.Null {
		if i < 0 || i >= h.Players || k > 0 && i <= h.Null[k-1] {
			return fmt.Errorf("null: player %d of %d: want players from 0, ascending", i, h.Players)
		}
	}
	return h.checkBounds()
}

func (h *Hello) checkBounds() error {
	if len(h.Bounds) == 0 {
		return nil
	}
	if len(h.Bounds) != 2 {
		return fmt.Errorf("bounds: %d numbers, want the least and the largest utility", len(h.Bounds))
	}
	low, err := parseFixed(string(h.Bounds[0]))
	if err != nil {
		return fmt.Errorf("bounds: %w", err)
	}
	high, err := parseFixed(string(h.Bounds[1]))
	if err != nil {
		return fmt.Errorf("bounds: %w", err)
	}
	if low >= high {
		return fmt.Errorf("bounds: %s to %s is no range", h.Bounds[0], h.Bounds[1])
	}
	h.bounds = &shapley.Bounds{Low: low, High: high}
	return nil
}

// facts are what is known of the game.
func (h *Hello) facts() shapley.Facts { return shapley.Facts{Bounds: h.bounds, Null: h.Null} }

// players are the names, or numbers from 0.
func (h *Hello) players() []string {
	if len(h.Names) > 0 {
		return slices.Clone(h.Names)
	}
	names := make([]string, h.Players)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

// Details is what a certificate says of a game of this kind.
type Details struct {
	Identity string `json:"identity,omitempty"`
}

// Root commits to all that is said of a game: its players by name, what is known of it, and what its utility is. Whether a
// process computes that utility is for an audit.
func Root(players []string, facts shapley.Facts, d Details) (merkle.Hash, error) {
	text, err := json.Marshal(struct {
		Players []string `json:"players"`
		shapley.Facts
		Details
	}{players, facts, d})
	h := sha256.New()
	h.Write([]byte("verifyd-utility-game/1\n"))
	h.Write(text)
	return merkle.Hash(h.Sum(nil)), err
}
