package translog_test

import (
	"fmt"
	"log"

	"github.com/verifyd/verifyd/proofs/translog"
)

func ExampleVerify() {
	// Given to the verifier once, from somewhere that it trusts.
	const logKey = "example.com/verifyd+e568ba0c+ATAltA2Awfd/MU4VlBUYmM30ixfS4956Rcw18NmO7rjQ"
	// What travels with the entry.
	const proof = `c2sp.org/tlog-proof@v1
index 1
3pGKhxfU7kAoiV3lmaTSv0REmS64acm9RNAM5VFqb1U=
D5rWh7Ioy7eKzeyjD2As9Lyk97bHu7YwthQ9ADkTxUU=

example.com/verifyd
3
6mq6trwoYIwLF0M5CcdjjLypWBkl7oEAqutPZGuzAjc=

— example.com/verifyd 5Wi6DIzPWl0XRq0O0egWhnY5UXffYUx5x5BaGkqeIElPpgILub58tfJBemUF6aeuMK5pUY4RZJLjlUBa94aULNqrGgg=
`
	at, err := translog.Verify([]byte(proof), logKey, []byte("proof 1"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("entry %d of %d in %s\n", at.Index, at.Checkpoint.Size, at.Checkpoint.Origin)
	// Output: entry 1 of 3 in example.com/verifyd
}
