package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
)

// closing begins the line that closes a batch.
const closing = "closed "

func spentLine(w spent.Work) string {
	return fmt.Sprintf("spent %s %s %d %d %s %s %s", w.Nullifier, w.Digest, w.Epoch, w.IssuedAt, w.Account, w.Units, w.Cumulative)
}

func revokedLine(target proofs.Hash) string { return "revoked " + target.String() }

// batchSum is what closes a batch of lines behind one with another sum.
func batchSum(before []byte, lines []string) []byte {
	h := sha256.New()
	h.Write(before)
	for _, l := range lines {
		h.Write([]byte(l + "\n"))
	}
	return h.Sum(nil)
}

// closeBatch is a batch as it is written.
func closeBatch(lines []string, sum []byte) string {
	return strings.Join(lines, "\n") + "\n" + fmt.Sprintf("%s%d %x\n", closing, len(lines), sum)
}

// nextBatch takes the lines of the first batch of data, up to the one that closes it, and says how many bytes it has:
// none if it was never closed.
func nextBatch(data []byte) (lines []string, size int) {
	for {
		n := bytes.IndexByte(data[size:], '\n')
		if n < 0 {
			return nil, 0
		}
		line := string(data[size : size+n])
		size += n + 1
		if strings.HasPrefix(line, closing) {
			return lines, size
		}
		lines = append(lines, line)
	}
}

// readBatch reads the lines of a batch into a book: each is one that is written here, and what the book takes.
func readBatch(book *spent.Book, lines []string) error {
	over := book.Over()
	for _, l := range lines {
		var w spent.Work
		var first, second, account, units, total string
		if _, err := fmt.Sscanf(l, "spent %s %s %d %d %s %s %s", &first, &second, &w.Epoch, &w.IssuedAt, &account, &units, &total); err == nil {
			w.Nullifier, w.Digest, w.Account = parseHash(first), parseHash(second), parseHash(account)
			w.Units, _ = proofs.ParseUint128(units) // what is not one is not written back
			w.Cumulative, _ = proofs.ParseUint128(total)
			if spentLine(w) != l {
				return fmt.Errorf("damaged: line %.200q", l)
			}
			if err := over.Spend(w); err != nil {
				return err
			}
			continue
		}
		target := parseHash(strings.TrimPrefix(l, "revoked "))
		if revokedLine(target) != l {
			return fmt.Errorf("damaged: line %.200q", l)
		}
		over.Revoke(target)
	}
	over.Commit()
	return nil
}

// parseHash reads 0x and 64 hex digits, or gives what no such line names.
func parseHash(text string) (h proofs.Hash) {
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err == nil && len(raw) == len(h) {
		copy(h[:], raw)
	}
	return h
}
