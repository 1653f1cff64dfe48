// What a Solana client needs to have a verifyd statement checked: the bytes that were signed, the signatures as
// the precompile takes them, and its instruction. Only es256 signatures fit; the others have no precompile here.

export const PRECOMPILE = 'Secp256r1SigVerify1111111111111111111111111';

// pae is DSSE's pre-authentication encoding: the message that is signed.
export function pae(payloadType, body) {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `), body]);
}

// rawSignature turns strict DER into r and s of 32 bytes each. That s is low the precompile checks itself.
export function rawSignature(der) {
  const integer = (at) => {
    if (der[at] !== 2) throw new Error('signature: not the DER of two integers');
    const n = der[at + 1];
    const value = der.subarray(at + 2, at + 2 + n);
    const padded = value[0] === 0 && n > 1;
    if (value.length !== n || n < 1 || n > 33 || value[0] > 0x7f || (padded && value[1] < 0x80) || (n === 33 && !padded)) {
      throw new Error('signature: not the DER of two integers');
    }
    const out = Buffer.alloc(32);
    Buffer.from(padded ? value.subarray(1) : value).copy(out, 32 - (padded ? n - 1 : n));
    return [out, at + 2 + n];
  };
  if (der.length < 8 || der[0] !== 0x30 || der[1] !== der.length - 2) throw new Error('signature: not the DER of two integers');
  const [r, next] = integer(2);
  const [s, end] = integer(next);
  if (end !== der.length) throw new Error('signature: bytes behind s');
  return Buffer.concat([r, s]);
}

const SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200' + '04', 'hex');

// compressedKey is a P-256 key in SPKI DER as the precompile takes it.
export function compressedKey(spki) {
  if (spki.length !== SPKI.length + 64 || !spki.subarray(0, SPKI.length).equals(SPKI)) throw new Error('key: not an uncompressed P-256 key in SPKI DER');
  const [x, y] = [spki.subarray(27, 59), spki.subarray(59)];
  return Buffer.concat([Buffer.from([2 + (y[31] & 1)]), x]);
}

// instructionData is the precompile's: up to 8 signers of one message, which is in it once. A program that relies
// on it reads it back through the instructions sysvar and compares keys and message with what it expects.
export function instructionData(message, signers) {
  if (signers.length < 1 || signers.length > 8) throw new Error(`${signers.length} signers, the precompile takes 1 to 8`);
  const header = 2 + 14 * signers.length;
  const parts = [Buffer.alloc(header)];
  const head = parts[0];
  head[0] = signers.length;
  let at = header;
  const messageAt = header + signers.length * (33 + 64);
  signers.forEach(({ key, signature }, i) => {
    const here = 0xffff; // this instruction
    [at + 33, here, at, here, messageAt, message.length, here].forEach((v, k) => head.writeUInt16LE(v, 2 + 14 * i + 2 * k));
    parts.push(key, signature);
    at += 33 + 64;
  });
  return Buffer.concat([...parts, message]);
}
