package pool

import (
	"context"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// JobFile is the file of the job in a bundle, a folder or an archive.
func JobFile(ctx context.Context, path string) ([]byte, error) {
	bundle, err := verify.OpenBundle(path)
	if err != nil {
		return nil, err
	}
	defer bundle.Close()
	return readSource(ctx, bundle, verify.JobFile, document.MaxSize)
}

// ReadJob reads a job that the operator whom it names signed, and returns it with its digest. Whoever has the digest from
// somewhere else knows by it who the operator is; nobody else does.
func ReadJob(file []byte) (*job.Job, merkle.Hash, error) {
	unsigned, err := document.Peek[job.Job](verify.JobFile, file, job.Kind)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	return job.Read(verify.JobFile, file, unsigned.Operator)
}
