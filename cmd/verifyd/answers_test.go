package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
)

// answers is a program that plays a game of four players over a pipe: a coalition achieves the square of its size, in
// hundredths. With a number as its argument it ends before the question of that number; with "drifts" no answer is like the one
// before.
func answers(args []string, in io.Reader, out io.Writer) int {
	ends, drift := -1, 0
	if len(args) == 1 && args[0] == "drifts" {
		drift = 1
	} else if len(args) == 1 {
		ends, _ = strconv.Atoi(args[0])
	}
	fmt.Fprintln(out, `{"verifyd-utility": 1, "players": 4, "names": ["ann", "bob", "cy", "di"], "bounds": [0, 1], "identity": "squares"}`)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var q struct {
			Ask        int
			Coalitions []string
			End        bool
		}
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil || q.End || q.Ask == ends {
			return 0
		}
		var u []string
		for _, c := range q.Coalitions {
			b, err := hex.DecodeString(c)
			if err != nil {
				return 1
			}
			size := bits.OnesCount8(b[0])
			u = append(u, fmt.Sprintf("0.%02d%d", size*size, drift*q.Ask))
		}
		fmt.Fprintf(out, "{\"answer\": %d, \"utilities\": [%s]}\n", q.Ask, strings.Join(u, ", "))
	}
	return 0
}
