package proofs

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// erc55 are the examples of ERC-55.
var erc55 = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestAnAddressIsReadWithItsChecksumOrWithoutOne(t *testing.T) {
	for _, s := range erc55 {
		for _, spelling := range []string{s, "0x" + strings.ToLower(s[2:]), "0x" + strings.ToUpper(s[2:])} {
			h, err := ParseAccount(spelling)
			if err != nil || h.String() != "0x"+strings.Repeat("0", 24)+strings.ToLower(s[2:]) {
				t.Errorf("%s: %s, %v", spelling, h, err)
			}
		}
	}
}

// TestAWrongDigitOfAnAddressIsSeen changes each character of the examples that
// carry a checksum. ERC-55 promises to miss one in 2^(letters): of these that
// are all seen but those that the test counts.
func TestAWrongDigitOfAnAddressIsSeen(t *testing.T) {
	missed, tried := 0, 0
	for _, s := range erc55[4:] {
		for i := 2; i < len(s); i++ {
			for _, c := range []byte("0123456789abcdefABCDEF") {
				other := s[:i] + string(c) + s[i+1:]
				if other == s {
					continue
				}
				tried++
				if _, err := ParseAccount(other); err == nil {
					missed++
				}
			}
		}
	}
	if missed > 3 || tried < 3000 {
		t.Errorf("%d of %d wrong digits were missed", missed, tried)
	}
}

func TestWhatIsNoAccountIsRefused(t *testing.T) {
	address, whole := erc55[4], Hash{1, 31: 0xab}.String()
	for _, s := range []string{
		"", "0x", "0x0", "0xa", "0xaa", "aa", "0xabcd", address[2:], address[:40], address + "0", address + "00", "0X" + address[2:],
		" " + address, address + " ", address + "\n", strings.Replace(address, "5", "g", 1), strings.Replace(address, "a", "A", 1),
		"0x" + strings.Repeat("ab", 19), "0x" + strings.Repeat("ab", 21), "0x" + strings.Repeat("ab", 31), "0x" + strings.Repeat("ab", 33),
		whole[2:], "0x" + strings.ToUpper(whole[2:]), strings.Replace(whole, "a", "A", 1), "0X" + whole[2:], whole + "\n",
		"eip155:1:" + address, "-0x" + address[3:], "0x" + strings.Repeat("a", 39) + "é",
	} {
		if h, err := ParseAccount(s); err == nil {
			t.Errorf("%q is account %s", s, h)
		}
	}
}

func TestDrawnAccountsComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 17))
	for range 2000 {
		var raw [32]byte
		for i := range raw {
			raw[i] = byte(random.Uint32())
		}
		if h, err := ParseAccount(Hash(raw).String()); err != nil || h != raw {
			t.Fatalf("%x: %s, %v", raw, h, err)
		}
		h, err := ParseAccount("0x" + checksummed(hex.EncodeToString(raw[:20])))
		if err != nil || !bytes.Equal(h[12:], raw[:20]) || [12]byte(h[:12]) != [12]byte{} {
			t.Fatalf("%x: %s, %v", raw[:20], h, err)
		}
	}
}

func TestALedgerHasOneName(t *testing.T) {
	const evm = "eip155:8453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"
	for _, name := range []string{
		evm, "urn:db:payroll", "urn:db:Payroll", "urn:db:a/b:c.d_e-f", "urn:example-7:x",
		"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv",
		"cosmos:cosmoshub-4:cosmos1t2uflqwqe0fsj0shcfkrvpukewcw40yjj6hdc0", "starknet:SN_MAIN:0x02dd1b492765c064eac4039e3841aa5f",
	} {
		if _, err := Audience(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{
		"urn:DB:x", "urn:Db:payroll", "URN:db:payroll", "Urn:db:payroll", "urn:d:x", "urn:-db:x", "urn:db-:x", "urn:db:", "urn:db", "urn::x",
		"urn:db:/x", "urn:db:%70ayroll", "urn:db:a%2fb", "urn:db:a?+b", "urn:db:a#b", " urn:db:x", "urn:db:x\n", "urn:db_x:y",
		strings.Replace(evm, "ab16", "aB16", 1), strings.Replace(evm, "0x", "0X", 1), strings.Replace(evm, "8453", "08453", 1),
		strings.Replace(evm, "eip155", "EIP155", 1), evm[:len(evm)-1], evm + "0", "eip155:8453:ab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb",
		"eip155:0x2105:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb", "cosmos:cosmoshub-4:COSMOS1T2UFLQWQE0FSJ0SHCFKRVPUKEWCW40YJJ6HDC0",
		"starknet:SN_MAIN:0x02DD1b492765c064eac4039e3841aa5f", "solana:a:b:c", "solana:a:b/c", "solana:a:b%20", "payroll", "a", "",
	} {
		if _, err := Audience(name); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

func FuzzAccount(f *testing.F) {
	for _, s := range erc55 {
		f.Add(s)
	}
	f.Add(Hash{1}.String())
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseAccount(s)
		if err != nil {
			return
		}
		if !strings.EqualFold(s, h.String()) && !strings.EqualFold("0x"+strings.Repeat("0", 24)+s[2:], h.String()) {
			t.Fatalf("%q is read as %s", s, h)
		}
	})
}
