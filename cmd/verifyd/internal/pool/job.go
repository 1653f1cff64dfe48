package pool

import (
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ReadJob reads a job that the operator whom it names signed, and returns it with its digest. Whoever has the digest from
// somewhere else knows by it who the operator is; nobody else does.
func ReadJob(file []byte) (*job.Job, merkle.Hash, error) {
	unsigned, err := document.Peek[job.Job](verify.JobFile, file, job.Kind)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	return job.Read(verify.JobFile, file, unsigned.Operator)
}
