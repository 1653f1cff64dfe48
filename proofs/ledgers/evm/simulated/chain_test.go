package simulated

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

// genesisTime is ahead of every clock for years, so that the simulated chain
// counts its own seconds and not the machine's.
const genesisTime = 2_000_000_000

// chainID is fixed by the simulated backend.
const chainID = 1337

// rules are the forks under which the contracts are tested.
var rules = map[string]func(*params.ChainConfig){
	// Before the precompile for P-256: OpenZeppelin's Solidity stands in.
	"prague": func(c *params.ChainConfig) { c.OsakaTime = nil },
	// Ethereum's since December 2025.
	"osaka": func(c *params.ChainConfig) {},
	// The next, as of this version of go-ethereum: new storage costs four times as much.
	"amsterdam": func(c *params.ChainConfig) { c.AmsterdamTime = new(uint64) },
}

// A chain is a simulated one with an account that has ether.
type chain struct {
	t       *testing.T
	rules   string
	backend *simulated.Backend
	key     *ecdsa.PrivateKey
	from    common.Address
	nonce   uint64
}

// newChain starts a chain. Its forks are set one by one: the backend's default
// is a mixture of two that no chain has.
func newChain(t *testing.T, name string) *chain {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("sender")))
	if err != nil {
		t.Fatal(err)
	}
	from := crypto.PubkeyToAddress(key.PublicKey)
	rich := types.GenesisAlloc{from: {Balance: new(big.Int).Lsh(big.NewInt(1), 100)}}
	backend := simulated.NewBackend(rich, simulated.WithBlockGasLimit(200_000_000), func(_ *node.Config, eth *ethconfig.Config) {
		config := *eth.Genesis.Config
		config.BogotaTime, config.AmsterdamTime = nil, nil
		rules[name](&config)
		config.BlobScheduleConfig = params.DefaultBlobSchedule
		eth.Genesis.Config, eth.Genesis.Timestamp = &config, genesisTime
		eth.RPCTxFeeCap, eth.RPCGasCap = 0, 0 // limits of a public node
	})
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	})
	return &chain{t: t, rules: name, backend: backend, key: key, from: from}
}

// An artifact is what forge built; see artifacts.js.
type artifact struct {
	ABI      abi.ABI
	Bytecode string
}

func readArtifact(t *testing.T, name string) artifact {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "artifacts", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var a artifact
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// A contract is a deployed one.
type contract struct {
	*chain
	abi     abi.ABI
	address common.Address
	gas     uint64 // what deploying it took
}

// deploy puts a contract on the chain.
func (c *chain) deploy(name string, args ...any) *contract {
	c.t.Helper()
	a := readArtifact(c.t, name)
	packed, err := a.ABI.Pack("", args...)
	if err != nil {
		c.t.Fatal(err)
	}
	address := crypto.CreateAddress(c.from, c.nonce)
	receipt := c.send(nil, append(common.FromHex(a.Bytecode), packed...))
	if receipt.Status != types.ReceiptStatusSuccessful {
		c.t.Fatalf("deploying %s failed after %d gas", name, receipt.GasUsed)
	}
	return &contract{c, a.ABI, address, receipt.GasUsed}
}

// send puts a transaction into a block of its own.
func (c *chain) send(to *common.Address, data []byte) *types.Receipt {
	c.t.Helper()
	// A transaction's limit since Osaka; Amsterdam counts state apart from it.
	gas := uint64(params.MaxTxGas)
	if c.rules == "amsterdam" {
		gas = 100_000_000
	}
	tx, err := types.SignNewTx(c.key, types.LatestSignerForChainID(big.NewInt(chainID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(chainID), Nonce: c.nonce, To: to, Data: data, Gas: gas,
		GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.backend.Client().SendTransaction(ctx, tx); err != nil {
		c.t.Fatal(err)
	}
	c.nonce++
	c.backend.Commit()
	var receipt *types.Receipt
	settled(c.t, func() error {
		receipt, err = c.backend.Client().TransactionReceipt(ctx, tx.Hash())
		return err
	})
	return receipt
}

// settled calls f until it succeeds: the node's pool and index of transactions
// follow a new block a little later.
func settled(t *testing.T, f func() error) {
	t.Helper()
	err := f()
	for tries := 0; err != nil && tries < 3000; tries++ {
		time.Sleep(10 * time.Millisecond)
		err = f()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wait lets time pass on the chain.
func (c *chain) wait(d time.Duration) {
	c.t.Helper()
	settled(c.t, func() error { return c.backend.AdjustTime(d) })
}

// now is the time of the last block.
func (c *chain) now() uint64 {
	c.t.Helper()
	head, err := c.backend.Client().HeaderByNumber(context.Background(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return head.Time
}

// must sends a call that has to succeed, and returns the gas that it took.
func (k *contract) must(data []byte) uint64 {
	k.t.Helper()
	receipt := k.send(&k.address, data)
	if receipt.Status != types.ReceiptStatusSuccessful {
		k.t.Fatalf("the call reverts: %s", k.refusal(data))
	}
	return receipt.GasUsed
}

// call is must for a method by name.
func (k *contract) call(method string, args ...any) uint64 {
	k.t.Helper()
	return k.must(k.pack(method, args...))
}

func (k *contract) pack(method string, args ...any) []byte {
	k.t.Helper()
	data, err := k.abi.Pack(method, args...)
	if err != nil {
		k.t.Fatal(err)
	}
	return data
}

// get is the first value that a view returns.
func (k *contract) get(method string, args ...any) any {
	k.t.Helper()
	out, err := k.try(k.pack(method, args...))
	if err != nil {
		k.t.Fatal(err)
	}
	values, err := k.abi.Unpack(method, out)
	if err != nil {
		k.t.Fatal(err)
	}
	return values[0]
}

// try makes a call without a transaction.
func (k *contract) try(data []byte) ([]byte, error) {
	return k.backend.Client().CallContract(context.Background(), ethereum.CallMsg{From: k.from, To: &k.address, Data: data}, nil)
}

// refusal is the name of the error with which a call reverts, "without a name"
// if there is none, and empty if it does not revert.
func (k *contract) refusal(data []byte) string {
	k.t.Helper()
	_, err := k.try(data)
	if err == nil {
		return ""
	}
	var reverted rpc.DataError
	if errors.As(err, &reverted) {
		if text, ok := reverted.ErrorData().(string); ok {
			raw := common.FromHex(text)
			for name, e := range k.abi.Errors {
				if len(raw) >= 4 && [4]byte(raw[:4]) == [4]byte(e.ID[:4]) {
					return name
				}
			}
		}
		return "without a name"
	}
	k.t.Fatalf("neither an answer nor a revert: %v", err)
	return ""
}
