// Builds trees with @openzeppelin/merkle-tree over the leaves of tree_test.go
// and prints what a Go test and a benchmark compare: node tree.mjs SIZE...
import { createHash } from 'node:crypto'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'

const sha256 = (data) => createHash('sha256').update(data).digest()
const hex = (data) => '0x' + data.toString('hex')
const pool = hex(sha256('pool'))

function leaf(i) {
  const seed = Buffer.alloc(8)
  seed.writeBigUInt64BE(BigInt(i))
  const account = sha256(seed)
  account.fill(0, 0, 12)
  const units = (BigInt(i % 3) << 64n) + BigInt(i) * 1000003n
  return [pool, hex(account), units.toString(), hex(sha256(account))]
}

for (const size of process.argv.slice(2).map(Number)) {
  const leaves = Array.from({ length: size }, (_, i) => leaf(i))
  const start = process.hrtime.bigint()
  const tree = StandardMerkleTree.of(leaves, ['bytes32', 'bytes32', 'uint128', 'bytes32'])
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const places = [1, 4, 5, 11].filter((i) => i < size)
  const multi = tree.getMultiProof(places)
  console.log(JSON.stringify({
    size, seconds, root: tree.root, path: tree.getProof(size - 1),
    multi: { accounts: multi.leaves.map((l) => l[1]), path: multi.proof, flags: multi.proofFlags },
  }))
}
