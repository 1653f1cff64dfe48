package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/testdata/vectors"
)

func TestNobodyTrainsForAnAssignmentWhoseRegistrationIsNotShown(t *testing.T) {
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, v := range all {
		if v.File != verify.RegistrationFile && v.File != verify.RegistrationProofFile && v.Name != "registered_good" {
			continue
		}
		tried++
		bundle, err := v.Bundle()
		if err != nil {
			t.Fatal(err)
		}
		read := func(name string) []byte {
			if data, ok := v.Files[name]; ok {
				return data
			}
			data, err := fs.ReadFile(bundle, name)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		of, err := document.Peek[job.Job](verify.JobFile, read(verify.JobFile), job.Kind)
		if err != nil {
			t.Fatal(err)
		}
		terms, err := verify.Accept(read(verify.JobFile), read(verify.ProgramFile), read(verify.CurveFile), of.Operator)
		if err != nil {
			t.Fatal(err)
		}
		assigned, _, err := terms.ReadAssignment(read(verify.AssignmentFile))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "assignment.json")
		for name, to := range map[string]string{
			verify.RegistrationFile: path + registrationSuffix, verify.RegistrationProofFile: path + registrationSuffix + proofSuffix,
		} {
			if v.Facts["remove"] == name {
				continue
			}
			if err := os.WriteFile(to, read(name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := registeredBeside(path, terms, &assigned); string(fault.Of(err)) != v.Class && !(v.Class == string(fault.Missing) && err != nil) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	if tried < 10 {
		t.Errorf("%d vectors", tried)
	}
}
