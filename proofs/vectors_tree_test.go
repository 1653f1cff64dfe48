package proofs_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// accounts is n leaves with ascending accounts.
func accounts(n int) []merkle.Leaf {
	leaves := make([]merkle.Leaf, n)
	for i := range leaves {
		leaves[i] = merkle.Leaf{
			Account:         proofs.Hash{12: byte(i + 1), 31: 0xee},
			CumulativeUnits: proofs.Uint128{Hi: uint64(i), Lo: uint64(i*i + 1)},
			Detail:          scenario.ID(fmt.Sprint("contribution ", i)),
		}
	}
	return leaves
}

func leafFile(leaves ...merkle.Leaf) []byte { return (&epoch.Epoch{Leaves: leaves}).File() }

func treeOf(t *testing.T, n int) *merkle.Tree {
	t.Helper()
	tree, err := merkle.New(scenario.ID("pool"), accounts(n))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func hashes(list []proofs.Hash) string {
	if len(list) == 0 {
		return "none"
	}
	var text []string
	for _, h := range list {
		text = append(text, h.String())
	}
	return strings.Join(text, ",")
}

func treeRows(t *testing.T) []row {
	return slices.Concat(leavesRows(t), pathRows(t), multiRows(t), audienceRows())
}

func leavesRows(t *testing.T) []row {
	good := func(n int) row {
		return row{name: fmt.Sprintf("leaves_%d", n), kind: "leaves", comment: fmt.Sprintf("a leaf file and its root, %d leaves", n), expect: success,
			facts: []string{"pool: " + scenario.ID("pool").String(), "root: " + treeOf(t, n).Root().String()}, body: leafFile(accounts(n)...)}
	}
	bad := func(name, what, comment, class, field string, file []byte) row {
		return row{name: "leaves_" + name, kind: "leaves", class: what, comment: comment, expect: refused(class, field),
			facts: []string{"pool: " + scenario.ID("pool").String(), "root: none"}, body: file}
	}
	three := leafFile(accounts(3)...)
	return []row{
		good(1), good(2), good(3), good(8), good(13),
		bad("empty", "bad length", "no leaves", class.BadLength, "leaves", nil),
		bad("cut", "bad length", "the last word missing", class.BadLength, "leaves", three[:256]),
		bad("dirty", "dirty padding", "a bit above 128", class.DirtyPadding, "cumulativeUnits", change(three, 4, 15, 1)),
		bad("order", "not canonical", "two leaves swapped", class.NotCanonical, "account", slices.Concat(three[96:192], three[:96], three[192:])),
		bad("twice", "not canonical", "an account twice", class.NotCanonical, "account", slices.Concat(three[:96], three[:96])),
		bad("zero", "out of range", "an account with nothing", class.OutOfRange, "cumulativeUnits", blank(three, 1)),
	}
}

func pathRows(t *testing.T) []row {
	const n = 13
	tree, leaves := treeOf(t, n), accounts(n)
	path := func(i int) []proofs.Hash {
		p, err := tree.Path(leaves[i])
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	facts := func(root, pool proofs.Hash, path []proofs.Hash) []string {
		return []string{"pool: " + pool.String(), "root: " + root.String(), "path: " + hashes(path)}
	}
	pool := scenario.ID("pool")
	good := func(i int) row {
		return row{name: fmt.Sprintf("path_%d", i), kind: "path", comment: fmt.Sprintf("leaf %d of %d", i, n), expect: success,
			facts: facts(tree.Root(), pool, path(i)), body: leafFile(leaves[i])}
	}
	bad := func(name, what, comment string, path []proofs.Hash, body []byte) row {
		return row{name: "path_" + name, kind: "path", class: what, comment: comment, expect: refused(class.BadPath, "merkle"),
			facts: facts(tree.Root(), pool, path), body: body}
	}
	leaf := leafFile(leaves[5])
	changed := slices.Clone(path(5))
	changed[1][31] ^= 1
	swapped := slices.Clone(path(5))
	swapped[0], swapped[1] = swapped[1], swapped[0]
	single := treeOf(t, 1)
	rows := []row{
		good(0), good(5), good(12),
		{name: "path_of_one", kind: "path", comment: "the root of one leaf is the leaf", expect: success,
			facts: facts(single.Root(), pool, nil), body: leafFile(accounts(1)...)},
		bad("truncated", "truncated path", "the last node missing", path(5)[:len(path(5))-1], leaf),
		bad("first_missing", "truncated path", "the first node missing", path(5)[1:], leaf),
		bad("none", "truncated path", "no path", nil, leaf),
		bad("extended", "extended path", "the root itself at the end", append(path(5), tree.Root()), leaf),
		bad("changed", "changed path", "one bit of a node", changed, leaf),
		bad("swapped", "changed path", "two nodes swapped", swapped, leaf),
		bad("of_another", "another leaf", "the path of leaf 0", path(0), leaf),
		bad("more_units", "another leaf", "one unit more", path(5), change(leaf, 1, 31, leaf[63]+1)),
		bad("other_account", "another leaf", "another account", path(5), change(leaf, 0, 31, 0xef)),
		bad("other_detail", "another leaf", "another contribution", path(5), change(leaf, 2, 0, leaf[64]^1)),
		bad("too_long", "extended path", "65 nodes", slices.Repeat([]proofs.Hash{{1}}, 65), leaf),
	}
	// An inner node is the hash of two nodes: 64 bytes, never three words.
	a, b := leaves[5].Hash(pool), path(5)[0]
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	node := bad("leaf_is_node", "leaf as node", "two nodes passed for a leaf", path(5)[1:], append(a[:], b[:]...))
	node.expect = refused(class.BadLength, "leaves")
	wide := bad("leaf_is_nodes", "leaf as node", "three nodes passed for the words of a leaf", path(5)[1:], slices.Concat(a[:], b[:], path(5)[1][:]))
	wide.expect = refused(class.DirtyPadding, "cumulativeUnits")
	otherPool := bad("other_pool", "wrong pool", "the same accounts in another pool", path(5), leaf)
	otherPool.facts = facts(tree.Root(), scenario.ID("another pool"), path(5))
	return append(rows, node, wide, otherPool)
}

func multiRows(t *testing.T) []row {
	const n = 13
	tree, leaves := treeOf(t, n), accounts(n)
	of := func(places ...int) *merkle.MultiProof {
		var chosen []merkle.Leaf
		for _, i := range places {
			chosen = append(chosen, leaves[i])
		}
		m, err := tree.MultiProof(chosen)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	vector := func(name, comment string, m *merkle.MultiProof) row {
		flags := "none"
		if len(m.Flags) > 0 {
			flags = ""
		}
		for _, known := range m.Flags {
			flags += map[bool]string{true: "1", false: "0"}[known]
		}
		return row{name: "multiproof_" + name, kind: "multiproof", comment: comment, expect: success, body: leafFile(m.Leaves...), facts: []string{
			"pool: " + scenario.ID("pool").String(), "root: " + tree.Root().String(), "path: " + hashes(m.Path), "flags: " + strings.ReplaceAll(flags, "none", "")}}
	}
	bad := func(name, what, comment string, bend func(m *merkle.MultiProof)) row {
		m := of(1, 4, 5, 11)
		bend(m)
		r := vector(name, comment, m)
		r.class, r.expect = what, refused(class.BadPath, "merkle")
		return r
	}
	var every []int
	for i := range n {
		every = append(every, i)
	}
	return []row{
		vector("one", "a multiproof of one leaf is a path", of(7)),
		vector("four", "four leaves", of(1, 4, 5, 11)),
		vector("all", "every leaf, no node", of(every...)),
		bad("leaf_less", "truncated path", "a leaf missing", func(m *merkle.MultiProof) { m.Leaves = m.Leaves[1:] }),
		bad("leaves_swapped", "changed path", "two leaves swapped", func(m *merkle.MultiProof) { m.Leaves[0], m.Leaves[1] = m.Leaves[1], m.Leaves[0] }),
		bad("more_units", "another leaf", "one unit more", func(m *merkle.MultiProof) { m.Leaves[2].CumulativeUnits.Lo++ }),
		bad("node_less", "truncated path", "a node missing", func(m *merkle.MultiProof) { m.Path = m.Path[1:] }),
		bad("node_more", "extended path", "a node that nobody consumes", func(m *merkle.MultiProof) { m.Path = append(m.Path, proofs.Hash{}) }),
		bad("flag_turned", "changed path", "a flag turned", func(m *merkle.MultiProof) { m.Flags[1] = !m.Flags[1] }),
		bad("flag_less", "truncated path", "a flag missing", func(m *merkle.MultiProof) { m.Flags = m.Flags[1:] }),
		bad("flag_more", "extended path", "a flag for the root and one node", func(m *merkle.MultiProof) {
			m.Flags, m.Path = append(m.Flags, false), append(m.Path, proofs.Hash{})
		}),
	}
}

func audienceRows() []row {
	good := func(name, comment, audience string) row {
		return row{name: "audience_" + name, kind: "audience", comment: comment, expect: success,
			facts: []string{"name: " + audience, "hash: " + scenario.ID(audience).String()}}
	}
	bad := func(name, comment, audience string) row {
		return row{name: "audience_" + name, kind: "audience", class: "wrong audience", comment: comment, expect: refused(class.OutOfRange, "audience"),
			facts: []string{"name: " + audience, "hash: none"}}
	}
	return []row{
		good("evm", "a contract", scenario.Audience),
		good("solana", "a program", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv"),
		good("cosmos", "a contract", "cosmos:cosmoshub-4:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0"),
		good("database", "a URN", "urn:db:payroll"),
		good("database_other_case", "another URN: what follows the namespace keeps its capitals", "urn:db:Payroll"),
		bad("evm_checksum", "an EVM address with capitals", "eip155:8453:0xAb16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb"),
		bad("evm_short", "an address of 19 bytes", "eip155:8453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfc"),
		bad("evm_leading_zero", "a chain id with a leading zero", "eip155:08453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"),
		bad("plain_word", "no namespace", "payroll"),
		bad("space", "a space", "urn:db:pay roll"),
		bad("upper_urn", "URN in capitals", "URN:db:payroll"),
		bad("upper_urn_namespace", "a URN's namespace in capitals", "urn:DB:payroll"),
		bad("urn_escape", "an escaped letter", "urn:db:%70ayroll"),
		bad("urn_slash", "a slash in front", "urn:db:/payroll"),
		bad("evm_upper_prefix", "0X", "eip155:8453:0Xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"),
		bad("hex_in_capitals", "an address in hex with a capital, of another namespace", "starknet:SN_MAIN:0x02Dd1b492765c064eac4039e3841aa5f"),
		bad("bech32_in_capitals", "a Bech32 address in capitals", "cosmos:cosmoshub-4:COSMOS1T2UFLQWQE0FSJ0SHCFKRVPUKEWCW40YJJ6HDC0"),
	}
}
