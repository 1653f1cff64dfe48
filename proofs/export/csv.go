package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// claimColumns are the columns of a claim list.
var claimColumns = []string{"pool", "account", "cumulativeUnits", "detail", "proof"}

// Claims writes what every account needs to claim from an epoch root, a line each: the leaf and its path,
// the nodes separated by spaces. The order is the leaves'.
func Claims(w io.Writer, pool proofs.Hash, leaves []merkle.Leaf) error {
	tree, err := merkle.New(pool, leaves)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	lines := csv.NewWriter(buffered)
	if err := lines.Write(claimColumns); err != nil {
		return err
	}
	for _, l := range leaves {
		path, err := tree.Path(l)
		if err != nil {
			return err
		}
		nodes := make([]string, len(path))
		for i, n := range path {
			nodes[i] = n.String()
		}
		if err := lines.Write([]string{pool.String(), l.Account.String(), l.CumulativeUnits.String(), l.Detail.String(), strings.Join(nodes, " ")}); err != nil {
			return err
		}
	}
	lines.Flush()
	if err := lines.Error(); err != nil {
		return err
	}
	return buffered.Flush()
}

// ReadClaims reads a claim list and checks every line against an epoch root.
func ReadClaims(r io.Reader, root proofs.EpochRoot) ([]merkle.Leaf, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord, lines.ReuseRecord = len(claimColumns), true
	head, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if strings.Join(head, ",") != strings.Join(claimColumns, ",") {
		return nil, fmt.Errorf("claims: line 1: columns %.100q, %q are needed", strings.Join(head, ","), strings.Join(claimColumns, ","))
	}
	var leaves []merkle.Leaf
	for {
		record, err := lines.Read()
		if err == io.EOF {
			return leaves, nil
		}
		if err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
		leaf, err := readClaim(record, root)
		if err != nil {
			at, _ := lines.FieldPos(0)
			return nil, fmt.Errorf("claims: line %d: %w", at, err)
		}
		leaves = append(leaves, leaf)
	}
}

// maxPath is the most nodes of a path: a tree of 2^40 accounts.
const maxPath = 40

func readClaim(record []string, root proofs.EpochRoot) (l merkle.Leaf, err error) {
	if record[0] != root.PoolID.String() {
		return l, fmt.Errorf("pool: %.70q, the epoch root's is %s", record[0], root.PoolID)
	}
	if l.Account, err = hash(record[1]); err != nil {
		return l, fmt.Errorf("account: %w", err)
	}
	if l.CumulativeUnits, err = proofs.ParseUint128(record[2]); err != nil {
		return l, fmt.Errorf("cumulativeUnits: %w", err)
	}
	if l.Detail, err = hash(record[3]); err != nil {
		return l, fmt.Errorf("detail: %w", err)
	}
	var path []proofs.Hash
	if record[4] != "" {
		nodes := strings.Split(record[4], " ")
		if len(nodes) > maxPath {
			return l, fmt.Errorf("proof: %d nodes, the limit is %d", len(nodes), maxPath)
		}
		for i, text := range nodes {
			node, err := hash(text)
			if err != nil {
				return l, fmt.Errorf("proof: node %d: %w", i, err)
			}
			path = append(path, node)
		}
	}
	return l, merkle.Verify(root.Root, root.PoolID, l, path)
}
