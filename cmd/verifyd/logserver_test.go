package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	proof "github.com/verifyd/verifyd/proofs/translog"
)

// serves runs verifyd log serve until the script ends and puts the log's URL into a variable: serves VARIABLE FOLDER.
func serves(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serves VARIABLE FOLDER")
	}
	self, err := exec.LookPath("verifyd")
	ts.Check(err)
	server := exec.Command(self, "log", "serve", ts.MkAbs(args[1]), "--listen", "127.0.0.1:0")
	said, err := server.StderrPipe()
	ts.Check(err)
	ts.Check(server.Start())
	ts.Defer(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	messages := bufio.NewReader(said)
	line, err := messages.ReadString('\n')
	ts.Check(err)
	_, url, ok := strings.Cut(strings.TrimSpace(line), " at ")
	if !ok {
		ts.Fatalf("verifyd log serve says %q", line)
	}
	go func() { _, _ = io.Copy(io.Discard, messages) }()
	ts.Setenv(args[0], url)
}

// witness cosigns whatever checkpoint it is sent, a number of seconds off the clock, until the script ends, and writes
// the policy that demands it: witness POLICY NAME SECONDS.
func witness(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: witness POLICY NAME SECONDS")
	}
	off, err := time.ParseDuration(args[2])
	ts.Check(err)
	name, seed := args[1], sha256.Sum256([]byte("a script's witness "+args[1]))
	key := ed25519.NewKeyFromSeed(seed[:])
	material := append([]byte{4}, key.Public().(ed25519.PublicKey)...)
	id := sha256.Sum256(append([]byte(name+"\n"), material...))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, proof.MaxProofSize+1))
		if err != nil {
			return
		}
		asked, err := proof.ParseConsistency(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c, err := proof.ParseCheckpoint(asked.Checkpoint)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		at := uint64(time.Now().Add(off).Unix())
		signed := append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), c.Body()...)
		sig := append(binary.BigEndian.AppendUint64(id[:4:4], at), ed25519.Sign(key, signed)...)
		fmt.Fprintf(w, "— %s %s\n", name, base64.StdEncoding.EncodeToString(sig))
	})}
	go func() { _ = server.Serve(listener) }()
	ts.Defer(func() { _ = server.Close() })
	vkey := fmt.Sprintf("%s+%x+%s", name, id[:4], base64.StdEncoding.EncodeToString(material))
	policy := fmt.Sprintf("witness w %s http://%s\nquorum w\n", vkey, listener.Addr())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(policy), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), []byte(vkey+"\n"), 0o644))
}
