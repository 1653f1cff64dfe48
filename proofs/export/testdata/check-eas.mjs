// Asks eas-sdk whether it accepts eas.json. In a folder of its own:
//   npm i @ethereum-attestation-service/eas-sdk@2.10.0 && cp .../check-eas.mjs .../eas.json . && node check-eas.mjs
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url); // the package's ES modules do not load in Node 20
const sdk = require('@ethereum-attestation-service/eas-sdk');
const { ethers } = require('ethers');

const { signer, sig } = JSON.parse(readFileSync('eas.json', 'utf8'));
const config = { address: sig.domain.verifyingContract, version: sig.domain.version, chainId: BigInt(sig.domain.chainId) };
const offchain = new sdk.Offchain(config, sig.version, new sdk.EAS(config.address));
const m = sig.message;
const uid = sdk.Offchain.getOffchainUID(sig.version, m.schema, m.recipient, BigInt(m.time), BigInt(m.expirationTime), m.revocable, m.refUID, m.data, m.salt);
const schema = sdk.SchemaRegistry.getSchemaUID(process.argv[2] ?? '', '0x0000000000000000000000000000000000000000', true);
const att = { ...sig, signature: { ...sig.signature } };
console.log('signature', offchain.verifyOffchainAttestationSignature(ethers.getAddress(signer), att));
console.log('uid', uid === sig.uid);
if (process.argv[2]) console.log('schema', schema === m.schema);
