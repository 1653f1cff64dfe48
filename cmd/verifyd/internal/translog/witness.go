package translog

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/transparency-dev/tessera"
	"golang.org/x/mod/sumdb/note"

	"github.com/verifyd/verifyd/proofs/translog"
)

// How the tree is grown. A batch is what arrived while the one before it was
// written, so a lone entry waits for little more than the disk, and a crowd
// shares its syncs.
const (
	maxBatch   = 4096                 // entries
	maxWaiting = 4 * maxBatch         // entries taken on and not yet in the tree
	batchAge   = 2 * time.Millisecond // for which Tessera waits for the rest of a batch
)

// Limits on witnesses.
const (
	witnessTimeout  = 10 * time.Second
	maxWitnessReply = 64 << 10 // bytes; a cosignature is about 150
)

// tessera is the options as Tessera takes them, and the client that speaks to
// witnesses.
func (o Options) tessera() (*tessera.AppendOptions, *http.Client, error) {
	also := make([]note.Signer, len(o.Also))
	for i, s := range o.Also {
		also[i] = s
	}
	if o.Interval == 0 {
		o.Interval = interval
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(o.Signer, also...).
		WithBatching(maxBatch, batchAge).
		WithCheckpointInterval(o.Interval)
	if o.Witnesses != nil {
		// Two readers of one file: the one that verifiers use is the stricter.
		if _, err := translog.ParsePolicy(o.Witnesses); err != nil {
			return nil, nil, err
		}
		group, err := tessera.NewWitnessGroupFromPolicy(o.Witnesses)
		if err != nil {
			return nil, nil, fmt.Errorf("log policy: %w", err)
		}
		options.WithWitnesses(group, &tessera.WitnessOptions{Timeout: witnessTimeout})
	}
	return options, &http.Client{Transport: boundedReplies{http.DefaultTransport}}, nil
}

// boundedReplies cuts what a witness answers: it is not trusted with memory.
type boundedReplies struct{ next http.RoundTripper }

func (b boundedReplies) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	reply.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(reply.Body, maxWitnessReply), reply.Body}
	return reply, nil
}
