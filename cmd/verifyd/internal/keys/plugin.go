package keys

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// PluginPrefix begins the name of a plugin's program: plugin:NAME:KEYID runs
// verifyd-signer-NAME.
const PluginPrefix = "verifyd-signer-"

// pluginVersion is the version of the protocol: one JSON object a line, from
// verifyd to the plugin's standard input and back from its standard output.
const pluginVersion = "verifyd-signer/1"

// The bounds of a plugin.
const (
	maxAnswer     = 64 << 10 // bytes of a line
	maxMessage    = 1 << 20  // bytes that Ed25519 signs
	maxComplaint  = 4 << 10  // bytes of standard error that are kept
	pluginTimeout = time.Minute
	pluginGrace   = 2 * time.Second // from the end of its input to its end
)

var pluginName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// A request asks for the public key of a key id, or for a signature by it. A
// digest is given for ECDSA, the message for Ed25519.
type request struct {
	Version   string    `json:"version"`
	ID        uint64    `json:"id"`
	Do        string    `json:"do"` // "public" or "sign"
	Key       string    `json:"key"`
	Algorithm Algorithm `json:"alg,omitempty"`
	Digest    []byte    `json:"digest,omitempty"` // SHA-256
	Message   []byte    `json:"message,omitempty"`
}

// An answer is that to the request of the same id. The signature is DER for
// ECDSA, 64 bytes for Ed25519.
type answer struct {
	ID          uint64 `json:"id"`
	Public      []byte `json:"public,omitempty"`      // SPKI DER
	Role        string `json:"role,omitempty"`        // in the plugin's own word
	Certificate string `json:"certificate,omitempty"` // of the role, by the key: certificateWord and what follows
	Signature   []byte `json:"signature,omitempty"`
	Error       string `json:"error,omitempty"`
}

// plugin is a signer in another process.
type plugin struct {
	ref, key  string
	timeout   time.Duration
	cancel    context.CancelFunc
	ctx       context.Context
	cmd       *exec.Cmd
	in        io.WriteCloser
	lines     chan []byte // closed at the end of its output
	complaint *tail
	mu        sync.Mutex // of what follows, and of the conversation
	last      uint64
	broken    error
	public    crypto.PublicKey
	algorithm Algorithm
}

// openPlugin starts the program that rest, NAME:KEYID or PATH:KEYID, names and
// asks it for the public key.
func openPlugin(ctx context.Context, ref, rest string, timeout time.Duration) (*Signer, error) {
	name, key, ok := strings.Cut(rest, ":")
	if !ok || key == "" {
		return nil, fmt.Errorf("%s: want plugin:NAME:KEYID", ref)
	}
	program := name
	if !strings.ContainsRune(name, '/') {
		if !pluginName.MatchString(name) {
			return nil, fmt.Errorf("%s: plugin %.40q: want a-z, 0-9 and hyphen, or a path", ref, name)
		}
		var err error
		if program, err = exec.LookPath(PluginPrefix + name); err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
	}
	p := &plugin{ref: ref, key: key, timeout: timeout, lines: make(chan []byte), complaint: &tail{}}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.cmd = exec.CommandContext(p.ctx, program)
	p.cmd.Stderr, p.cmd.WaitDelay = p.complaint, pluginGrace
	out, err := p.start()
	if err != nil {
		p.cancel()
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	go p.read(out)
	role, c, err := p.introduce()
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &Signer{Signer: p, role: role, certificate: c, close: p.close}, nil
}

func (p *plugin) start() (out io.Reader, err error) {
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return out, p.cmd.Start()
}

// read passes on the plugin's lines until there are no more, or one is too
// long.
func (p *plugin) read(out io.Reader) {
	defer close(p.lines)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		select {
		case p.lines <- bytes.Clone(lines.Bytes()):
		case <-p.ctx.Done():
			return
		}
	}
}

// introduce asks for the public key and the role.
func (p *plugin) introduce() (role Role, c certificate, err error) {
	a, err := p.ask(request{Do: "public"})
	if err != nil {
		return "", c, err
	}
	if p.public, err = parsePublic(a.Public); err != nil {
		return "", c, fmt.Errorf("%s: public key: %w", p.ref, err)
	}
	if p.algorithm, err = AlgorithmOf(p.public); err != nil {
		return "", c, fmt.Errorf("%s: public key: %w", p.ref, err)
	}
	if c, err = parseCertificate(a.Certificate); err == nil {
		err = c.holds(p.public)
	}
	if err == nil && a.Role != "" {
		role, err = ParseRole(a.Role)
	}
	if err == nil && role != "" && c.role != "" && role != c.role {
		err = errors.New("states two roles")
	}
	if err != nil {
		return "", c, fmt.Errorf("%s: %w", p.ref, err)
	}
	return cmp.Or(role, c.role), c, nil
}

// Public is the public key that the plugin named when it was opened.
func (p *plugin) Public() crypto.PublicKey { return p.public }

// Sign has the plugin sign, and checks what it gives.
func (p *plugin) Sign(_ io.Reader, input []byte, opts crypto.SignerOpts) ([]byte, error) {
	r := request{Do: "sign", Algorithm: p.algorithm}
	switch {
	case p.algorithm == Ed25519:
		if opts.HashFunc() != 0 || len(input) > maxMessage {
			return nil, fmt.Errorf("%s: want a message of at most %d bytes", p.ref, maxMessage)
		}
		r.Message = input
	case opts.HashFunc() != crypto.SHA256 || len(input) != crypto.SHA256.Size():
		return nil, fmt.Errorf("%s: want a SHA-256 digest", p.ref)
	default:
		r.Digest = input
	}
	a, err := p.ask(r)
	if err != nil {
		return nil, err
	}
	if !verifies(p.public, input, a.Signature) {
		return nil, fmt.Errorf("%s: what the plugin gave is no signature by its key", p.ref)
	}
	return a.Signature, nil
}

// ask sends a request and waits for its answer. After a failure of the
// conversation, which a refusal is not, nothing more is asked.
func (p *plugin) ask(r request) (answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return answer{}, p.broken
	}
	p.last++
	r.Version, r.ID, r.Key = pluginVersion, p.last, p.key
	a, err := p.exchange(r)
	if err != nil {
		p.broken = fmt.Errorf("%s: %w", p.ref, err)
		p.cancel()
		return answer{}, p.broken
	}
	if a.Error != "" {
		return answer{}, fmt.Errorf("%s: the plugin refuses: %.300q", p.ref, a.Error)
	}
	return a, nil
}

func (p *plugin) exchange(r request) (a answer, err error) {
	line, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	written := make(chan error, 1)
	go func() { // a plugin that does not read is ended, and that ends this
		_, err := p.in.Write(append(line, '\n'))
		written <- err
	}()
	timeout := time.NewTimer(p.timeout)
	defer timeout.Stop()
	select {
	case <-p.ctx.Done():
		return a, p.ctx.Err()
	case <-timeout.C:
		return a, fmt.Errorf("the plugin gave no answer in %v", p.timeout)
	case got, ok := <-p.lines:
		if !ok {
			return a, p.ended()
		}
		if a, err = parseAnswer(got, r.ID); err != nil {
			return a, err
		}
	}
	return a, <-written
}

// parseAnswer reads the line that answers a request.
func parseAnswer(line []byte, id uint64) (a answer, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return answer{}, fmt.Errorf("the plugin's answer: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return answer{}, errors.New("the plugin's answer: more than one object on a line")
	}
	if a.ID != id {
		return answer{}, fmt.Errorf("the plugin answers request %d, asked was %d", a.ID, id)
	}
	return a, nil
}

// ended says what is known of a plugin without more output.
func (p *plugin) ended() error {
	p.cancel()
	_ = p.cmd.Wait() // its own words say more than its exit code
	if words := p.complaint.String(); words != "" {
		return fmt.Errorf("the plugin ended, or gave a line of more than %d bytes; it says %.300q", maxAnswer, words)
	}
	return fmt.Errorf("the plugin ended, or gave a line of more than %d bytes", maxAnswer)
}

// close ends the plugin: by the end of its input, and after a while by force.
func (p *plugin) close() error {
	_ = p.in.Close() // it may have ended already
	done := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // how it ends is its own affair once it has signed
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(pluginGrace):
	}
	p.cancel()
	<-done
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - maxComplaint; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

// verifies says that sig is pub's over a digest, or for Ed25519 a message.
func verifies(pub crypto.PublicKey, input, sig []byte) bool {
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, input, sig)
	case *secp256k1.PublicKey:
		parsed, err := k1ecdsa.ParseDERSignature(sig)
		return err == nil && parsed.Verify(input, key)
	case ed25519.PublicKey:
		return ed25519.Verify(key, input, sig)
	}
	return false
}
