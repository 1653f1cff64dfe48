package house

import (
	"os/exec"
	"strings"
	"testing"
)

// heavy are packages that the command must not link: a few lines of input are not worth a server's worth of code.
var heavy = []string{"google.golang.org/grpc", "github.com/apache/arrow-go/v18/parquet/pqarrow", "github.com/apache/arrow-go/v18/arrow/compute", "github.com/apache/arrow-go/v18/arrow/flight"}

func TestTheCommandLinksNoServerForTheFilesThatItReads(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./cmd/verifyd")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	if len(linked) < 100 {
		t.Fatalf("%d packages", len(linked))
	}
	for _, path := range linked {
		for _, h := range heavy {
			if path == h || strings.HasPrefix(path, h+"/") {
				t.Errorf("cmd/verifyd links %s", path)
			}
		}
	}
}
