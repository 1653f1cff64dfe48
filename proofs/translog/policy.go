package translog

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Limits of a policy file. C2SP asks for at least 32 of each.
const (
	MaxPolicySize = 64 << 10 // bytes
	maxLogs       = 64
	maxComponents = 128 // witnesses and groups
)

// A Policy says whose signature makes a checkpoint count: one of its logs',
// and cosignatures of its witnesses as its quorum demands.
type Policy struct {
	verifiers note.Verifiers
	logs      map[note.Verifier]bool
	quorum    *component // nil if no witness is needed
	anyLog    bool       // a checkpoint need not be signed by one of logs
}

// A component is a witness, or k of the members of a group.
type component struct {
	witness note.Verifier // nil for a group
	k       int
	members []*component
}

// NewPolicy is the policy that trusts one log and needs no witness. Its key is
// a vkey as c2sp.org/signed-note writes it.
func NewPolicy(logKey string) (*Policy, error) {
	b := newPolicyBuilder()
	if err := b.log([]string{logKey}); err != nil {
		return nil, err
	}
	return b.policy(), nil
}

// Open checks the signatures of a checkpoint and returns what it says: it is
// signed by one of the policy's logs under that log's origin, and cosigned as
// the quorum demands. Signatures by keys that the policy does not name are
// passed over; a wrong one by a key that it names is an error.
func (p *Policy) Open(signed []byte) (Checkpoint, error) {
	c, err := ParseCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := note.Open(signed, p.verifiers)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &invalid):
		return Checkpoint{}, fmt.Errorf("checkpoint of %s: field signatures: the one by %s does not verify", c.Origin, invalid.Name)
	case errors.As(err, &unverified):
		return Checkpoint{}, fmt.Errorf("checkpoint of %s: field signatures: none by a key of the policy", c.Origin)
	case err != nil:
		return Checkpoint{}, fmt.Errorf("checkpoint of %s: %w", c.Origin, err)
	}
	by := map[note.Verifier]bool{}
	logged := false
	for _, s := range n.Sigs {
		v, err := p.verifiers.Verifier(s.Name, s.Hash)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("checkpoint of %s: %w", c.Origin, err)
		}
		by[v] = true
		logged = logged || p.logs[v] && v.Name() == c.Origin
	}
	if !logged && !p.anyLog {
		return Checkpoint{}, fmt.Errorf("checkpoint of %s: field signatures: none by a log of the policy with that origin", c.Origin)
	}
	if p.quorum != nil && !p.quorum.satisfied(by) {
		return Checkpoint{}, fmt.Errorf("checkpoint of %s: field signatures: too few cosignatures for the policy's quorum", c.Origin)
	}
	return c, nil
}

// Known is a signed checkpoint without the signatures that Open passes over: by
// keys that the policy does not name, and second ones by the same key. A
// checkpoint that a file keeps is kept like this, so that no byte of the file is
// unchecked for a reader with this policy.
func (p *Policy) Known(signed []byte) ([]byte, error) {
	if _, err := p.Open(signed); err != nil {
		return nil, err
	}
	text, lines, _ := strings.Cut(string(signed), "\n\n")
	kept, seen := []byte(text+"\n\n"), map[note.Verifier]bool{}
	for line := range strings.Lines(lines) {
		name, digits, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "— "), " ")
		sig, err := base64.StdEncoding.DecodeString(digits)
		if err != nil || len(sig) < 4 {
			return nil, fmt.Errorf("checkpoint: field signatures: signature by %.80q: no key id", name)
		}
		if v, err := p.verifiers.Verifier(name, binary.BigEndian.Uint32(sig)); err == nil && !seen[v] {
			kept, seen[v] = append(kept, line...), true
		}
	}
	return kept, nil
}

func (c *component) satisfied(by map[note.Verifier]bool) bool {
	if c.witness != nil {
		return by[c.witness]
	}
	n := 0
	for _, m := range c.members {
		if m.satisfied(by) {
			n++
		}
	}
	return n >= c.k
}

// ParsePolicy reads a c2sp.org/tlog-policy file and adds logs, given by their
// vkeys, to those that it names. URLs in it are passed over: checking needs
// none.
func ParsePolicy(text []byte, logKeys ...string) (*Policy, error) {
	if len(text) > MaxPolicySize {
		return nil, fmt.Errorf("log policy: %d bytes, limit %d", len(text), MaxPolicySize)
	}
	b := newPolicyBuilder()
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if err := b.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("log policy: line %d: %w", number, err)
		}
	}
	if !b.decided {
		return nil, errors.New("log policy: field quorum: missing")
	}
	for _, key := range logKeys {
		if err := b.log([]string{key}); err != nil {
			return nil, err
		}
	}
	return b.policy(), nil
}

// policyBuilder is a policy while its file is read.
type policyBuilder struct {
	verifiers []note.Verifier
	logs      map[note.Verifier]bool
	keys      map[string]bool // key material seen
	named     map[string]*component
	member    map[*component]bool
	quorum    *component
	decided   bool
}

func newPolicyBuilder() *policyBuilder {
	return &policyBuilder{
		logs: map[note.Verifier]bool{}, keys: map[string]bool{},
		named: map[string]*component{}, member: map[*component]bool{},
	}
}

func (b *policyBuilder) policy() *Policy {
	return &Policy{verifiers: note.VerifierList(b.verifiers...), logs: b.logs, quorum: b.quorum}
}

func (b *policyBuilder) line(line string) error {
	for i := range len(line) {
		if c := line[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return fmt.Errorf("control character 0x%02x", c)
		}
	}
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return nil
	}
	args := fields[1:]
	switch fields[0] {
	case "log":
		return b.log(args)
	case "witness":
		return b.witness(args)
	case "group":
		return b.group(args)
	case "quorum":
		return b.decide(args)
	}
	return fmt.Errorf("%.40q is not log, witness, group or quorum", fields[0])
}

func (b *policyBuilder) log(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("field log: want a key and perhaps a URL")
	}
	if len(b.logs) == maxLogs {
		return fmt.Errorf("field log: more than %d", maxLogs)
	}
	key, err := b.key(args[0])
	if err != nil {
		return err
	}
	v, err := key.logVerifier(args[0])
	if err != nil {
		return err
	}
	b.verifiers = append(b.verifiers, v)
	b.logs[v] = true
	return nil
}

func (b *policyBuilder) witness(args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("field witness: want a name, a key and perhaps a URL")
	}
	key, err := b.key(args[1])
	if err != nil {
		return err
	}
	v, err := key.witnessVerifier(args[1])
	if err != nil {
		return err
	}
	b.verifiers = append(b.verifiers, v)
	return b.name("witness", args[0], &component{witness: v})
}

// key reads a vkey that must not be in the policy yet: whoever holds two keys
// would otherwise count twice.
func (b *policyBuilder) key(vkey string) (verifierKey, error) {
	k, err := parseKey(vkey)
	if err != nil {
		return verifierKey{}, err
	}
	if b.keys[string(k.key)] {
		return verifierKey{}, fmt.Errorf("key %s: the same key twice", k.name)
	}
	b.keys[string(k.key)] = true
	return k, nil
}

func (b *policyBuilder) group(args []string) error {
	if len(args) < 3 {
		return errors.New("field group: want a name, a threshold and members")
	}
	g := &component{}
	for _, name := range args[2:] {
		m, ok := b.named[name]
		if !ok {
			return fmt.Errorf("field group: member %.80q is not defined above", name)
		}
		if b.member[m] {
			return fmt.Errorf("field group: %.80q is a member already", name)
		}
		b.member[m] = true
		g.members = append(g.members, m)
	}
	switch args[1] {
	case "any":
		g.k = 1
	case "all":
		g.k = len(g.members)
	default:
		k, err := strconv.Atoi(args[1])
		if err != nil || strconv.Itoa(k) != args[1] || k < 1 || k > len(g.members) {
			return fmt.Errorf("field group: threshold %.40q, want any, all or 1 to %d", args[1], len(g.members))
		}
		g.k = k
	}
	return b.name("group", args[0], g)
}

func (b *policyBuilder) name(field, name string, c *component) error {
	if name == "none" {
		return fmt.Errorf("field %s: the name none is taken", field)
	}
	if b.named[name] != nil {
		return fmt.Errorf("field %s: the name %.80q is defined twice", field, name)
	}
	if len(b.named) == maxComponents {
		return fmt.Errorf("field %s: more than %d witnesses and groups", field, maxComponents)
	}
	b.named[name] = c
	return nil
}

func (b *policyBuilder) decide(args []string) error {
	switch {
	case len(args) != 1:
		return errors.New("field quorum: want one name")
	case b.decided:
		return errors.New("field quorum: a second one")
	case args[0] != "none" && b.named[args[0]] == nil:
		return fmt.Errorf("field quorum: %.80q is not defined above", args[0])
	}
	b.decided = true
	b.quorum = b.named[args[0]] // nil for none
	return nil
}
