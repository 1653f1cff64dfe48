import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import {
  address, appendTransactionMessageInstruction, createTransactionMessage, generateKeyPairSigner, getBase64EncodedWireTransaction, lamports, pipe,
  setTransactionMessageFeePayerSigner, signTransactionMessageWithSigners,
} from '@solana/kit';
import { FailedTransactionMetadata, LiteSVM } from 'litesvm';

import { PRECOMPILE, compressedKey, instructionData, pae, rawSignature } from './secp256r1.mjs';
import { bytes, vectors } from './vectors.mjs';

const svm = new LiteSVM();
const payer = await generateKeyPairSigner();
svm.airdrop(payer.address, lamports(1_000_000_000_000n));

// verified sends the precompile's instruction in a transaction of its own, and returns its size if it succeeds.
async function verified(data) {
  svm.expireBlockhash();
  const transaction = await pipe(
    createTransactionMessage({ version: 0 }),
    (tx) => setTransactionMessageFeePayerSigner(payer, tx),
    (tx) => svm.setTransactionMessageLifetimeUsingLatestBlockhash(tx),
    (tx) => appendTransactionMessageInstruction({ programAddress: address(PRECOMPILE), accounts: [], data }, tx),
    (tx) => signTransactionMessageWithSigners(tx),
  );
  const result = svm.sendTransaction(transaction);
  if (result instanceof FailedTransactionMetadata) throw new Error(`transaction failed: ${result.err()}`);
  return Buffer.from(getBase64EncodedWireTransaction(transaction), 'base64').length;
}

const es256 = vectors('signature').filter((v) => /^3059/.test(v.key.replace('0x', '')));

test('the vectors have enough signatures of both kinds', () => {
  assert.ok(es256.filter((v) => v.expect === 'success').length >= 1);
  assert.ok(es256.filter((v) => v.expect !== 'success').length >= 15);
});

for (const v of es256) {
  const [outcome] = v.expect.split(' ');
  test(`${v.name}: ${outcome}`, async () => {
    const check = async () => {
      const signer = { key: compressedKey(bytes(v.key)), signature: rawSignature(bytes(v.sig)) };
      return verified(instructionData(pae(v.type, bytes(v.input)), [signer]));
    };
    if (outcome === 'success') assert.ok((await check()) <= 1232);
    else await assert.rejects(check(), outcome === 'bad-form' ? /signature: |transaction failed/ : /transaction failed/);
  });
}

test('three P-256 signers of one epoch root fit one transaction, and none of it can be changed', async () => {
  const vector = vectors('envelope').find((v) => v.name === 'envelope_more_than_quorum');
  const envelope = JSON.parse(vector.input);
  const keys = vector.keys.split(',').map(bytes);
  const keyOf = new Map(keys.map((spki) => [createHash('sha256').update(spki).digest('hex'), spki]));
  const p256 = (spki) => spki.length === 91; // the set has keys of other algorithms, too
  const signers = envelope.signatures
    .map(({ keyid, sig }) => ({ spki: keyOf.get(keyid.replace('0x', '')), sig: Buffer.from(sig, 'base64') }))
    .filter(({ spki }) => p256(spki))
    .map(({ spki, sig }) => ({ key: compressedKey(spki), signature: rawSignature(sig) }));
  assert.equal(signers.length, 3);
  const body = Buffer.from(envelope.payload, 'base64');
  const message = pae(envelope.payloadType, body);
  const size = await verified(instructionData(message, signers));
  assert.ok(size <= 1232, `${size} bytes`);
  for (let at = message.length - body.length; at < message.length; at += 37) {
    const changed = Buffer.from(message);
    changed[at] ^= 1;
    await assert.rejects(verified(instructionData(changed, signers)), /transaction failed/);
  }
});
