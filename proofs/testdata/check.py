#!/usr/bin/env python3
"""Reads verifyd's proofs by SPEC.md alone: Python 3.9 and its standard library, written apart from the Go code.

    check.py --bundle FILE --signers FILE [--log VKEY] [--now SECONDS]

verifies a .vproof by a signer set that is trusted, as of now or of another moment. check_vectors.py gives this reader the vectors.
"""
import argparse, base64, functools, hashlib, json, re, sys, time

class Refused(Exception):
    """The failure class is the argument."""

def need(condition, kind):
    if not condition: raise Refused(kind)

sha256 = lambda b: hashlib.sha256(b).digest()
integer = lambda b: int.from_bytes(b, 'big')

def unbase64(text, kind='not-canonical'):
    try: raw = base64.b64decode(text, validate=True)
    except ValueError: raise Refused(kind)
    need(base64.b64encode(raw).decode() == text, kind)
    return raw

# -- Keccak-256 (the one before SHA-3) and the tree
def keccak(data):
    rol = lambda v, n: (v << n | v >> (64 - n)) & (1 << 64) - 1
    padded, state = bytearray(data + b'\1' + bytes(135 - len(data) % 136)), [0] * 25
    padded[-1] |= 0x80
    for block in range(0, len(padded), 136):
        for i in range(17): state[i] ^= int.from_bytes(padded[block + 8 * i:block + 8 * i + 8], 'little')
        lfsr = 1
        for _ in range(24):
            c = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
            state = [v ^ c[(i + 4) % 5] ^ rol(c[(i + 1) % 5], 1) for i, v in enumerate(state)]
            x, y, moved = 1, 0, state[1]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                state[x + 5 * y], moved = rol(moved, (t + 1) * (t + 2) // 2 % 64), state[x + 5 * y]
            state = [v ^ (~state[i // 5 * 5 + (i + 1) % 5] & state[i // 5 * 5 + (i + 2) % 5]) for i, v in enumerate(state)]
            for j in range(7):
                lfsr = (lfsr << 1 ^ (lfsr >> 7) * 0x171)
                if lfsr & 2: state[0] ^= 1 << (1 << j) - 1
    return b''.join(v.to_bytes(8, 'little') for v in state[:4])

node = lambda a, b: keccak(min(a, b) + max(a, b))
leaf = lambda pool, words: keccak(keccak(pool + words))

def leaves(body):
    need(body and len(body) % 96 == 0, 'bad-length')
    rows = [body[i:i + 96] for i in range(0, len(body), 96)]
    for i, row in enumerate(rows):
        need(not any(row[32:48]), 'dirty-padding')
        need(i == 0 or rows[i - 1][:32] < row[:32], 'not-canonical')
        need(any(row[32:64]), 'out-of-range')
    return rows

def tree_root(pool, rows):
    hashes = sorted((leaf(pool, r) for r in rows), reverse=True)
    nodes = [None] * (len(hashes) - 1) + hashes
    for i in range(len(hashes) - 2, -1, -1): nodes[i] = node(nodes[2 * i + 1], nodes[2 * i + 2])
    return nodes[0]

def follow(root, at, path):
    need(len(path) <= 64, 'bad-path')
    for h in path: at = node(at, h)
    need(at == root, 'bad-path')

def follow_many(root, queue, path, flags):
    need(len(queue) + len(path) == len(flags) + 1, 'bad-path')
    for known in flags:
        need(len(queue) > known and (known or path), 'bad-path')
        queue, path = (queue[2:] + [node(*queue[:2])], path) if known else (queue[1:] + [node(queue[0], path[0])], path[1:])
    need(queue == [root] and not path, 'bad-path')

# -- Signatures. A key is (algorithm, x, y).
P256 = (2**256 - 2**224 + 2**192 + 2**96 - 1, -3, 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
        (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296, 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5))
K1 = (2**256 - 2**32 - 977, 0, 7, 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141,
      (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798, 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8))
P25519, L25519 = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D25519 = -121665 * pow(121666, -1, P25519) % P25519
SPKI = {1: '3059301306072a8648ce3d020106082a8648ce3d03010703420004', 2: '3056301006072a8648ce3d020106052b8104000a03420004', 3: '302a300506032b6570032100'}

def weierstrass(curve, k, point):
    p, a, total = curve[0], curve[1], None
    def add(q, r):
        if q is None or r is None: return q or r
        if q[0] == r[0] and (q[1] + r[1]) % p == 0: return None
        m = (3 * q[0]**2 + a) * pow(2 * q[1], -1, p) if q == r else (r[1] - q[1]) * pow(r[0] - q[0], -1, p)
        x = (m * m - q[0] - r[0]) % p
        return x, (m * (q[0] - x) - q[1]) % p
    for bit in bin(k)[2:]:
        total = add(total, total)
        if bit == '1': total = add(total, point)
    return total, add

def edwards_add(q, r):
    (a, b), (c, d), p = q, r, P25519
    t = D25519 * a * b * c * d
    return (a * d + b * c) * pow(1 + t, -1, p) % p, (b * d + a * c) * pow(1 - t, -1, p) % p

def edwards(k, point):
    total = (0, 1)
    for bit in bin(k)[2:]:
        total = edwards_add(total, total)
        if bit == '1': total = edwards_add(total, point)
    return total

def edwards_point(raw):
    y, sign, p = int.from_bytes(raw, 'little') & 2**255 - 1, raw[31] >> 7, P25519
    if y >= p: return None
    square = (y * y - 1) * pow(D25519 * y * y + 1, -1, p) % p
    x = pow(square, (p + 3) // 8, p)
    if x * x % p != square: x = x * pow(2, (p - 1) // 4, p) % p
    if x * x % p != square or (x == 0 and sign): return None
    return (x if x & 1 == sign else p - x), y

def weak(raw):
    point = edwards_point(raw[:31] + bytes([raw[31] & 127]))
    return int.from_bytes(raw, 'little') & 2**255 - 1 >= P25519 or point and edwards(8, point) == (0, 1)

@functools.lru_cache(None)
def check_key(key):
    alg, x, y = key
    if alg == 3: return need(not any(y) and not weak(x), 'bad-key')
    p, a, b = (P256 if alg == 1 else K1)[:3]
    x, y = integer(x), integer(y)
    need(x < p and y < p and (y * y - x**3 - a * x - b) % p == 0, 'bad-key')

def spki(key): return bytes.fromhex(SPKI[key[0]]) + key[1] + (key[2] if key[0] < 3 else b'')

def parse_spki(der):
    for alg, head in SPKI.items():
        point = der[len(head) // 2:]
        if der.hex().startswith(head) and len(point) == (64, 64, 32)[alg - 1]:
            key = alg, point[:32], point[32:] or bytes(32)
            check_key(key)
            return key
    raise Refused('bad-key')

def split_der(sig):
    need(len(sig) > 1 and sig[0] == 0x30 and sig[1] == len(sig) - 2, 'bad-form')
    rest, out = sig[2:], []
    while rest and len(out) < 2:
        need(len(rest) > 2 and rest[0] == 2 and 1 <= rest[1] <= len(rest) - 2, 'bad-form')
        n, rest = rest[2:2 + rest[1]], rest[2 + rest[1]:]
        need(n[0] < 128 and not (len(n) > 1 and n[0] == 0 and n[1] < 128) and len(n.lstrip(b'\0')) <= 32, 'bad-form')
        out.append(integer(n))
    need(len(out) == 2 and not rest, 'bad-form')
    return out

@functools.lru_cache(None)
def verify(key, message, sig):
    if key[0] == 3:
        need(len(sig) == 64 and not weak(sig[:32]), 'bad-form')
        s = int.from_bytes(sig[32:], 'little')
        need(s < L25519, 'bad-form')
        a, r = edwards_point(key[1]), edwards_point(sig[:32])
        k = int.from_bytes(hashlib.sha512(sig[:32] + key[1] + message).digest(), 'little') % L25519
        base = edwards_point(bytes([0x58]) + b'\x66' * 31)
        return need(a and r and edwards(s, base) == edwards_add(r, edwards(k, a)), 'bad-signature')
    curve = P256 if key[0] == 1 else K1
    n, (r, s) = curve[3], split_der(sig)
    need(0 < r < n and 0 < s < n, 'bad-form')
    need(s <= n // 2, 'high-s')
    w = pow(s, -1, n)
    first, add = weierstrass(curve, integer(sha256(message)) * w % n, curve[4])
    point = add(first, weierstrass(curve, r * w % n, (integer(key[1]), integer(key[2])))[0])
    need(point and point[0] % n == r, 'bad-signature')

# -- Statements. h is a hash, a number the bytes of an unsigned integer, s a signed one of 16 bytes.
OURS = 'application/vnd.verifyd.'
LAYOUT = {name: [f.split(':') for f in text.split()] for name, text in {
    'contribution': 'audience:h poolId:h epoch:8 taskId:h workerId:h slot:4 account:h units:16 cumulativeUnits:16 shapley:s stdErr:16 verdict:4 '
                    'stepsClaimed:8 stepsReplayed:8 stepsFailed:8 policyHash:h evidenceRoot:h engineHash:h sampleSeed:h beacon:h nullifier:h issuedAt:8',
    'epoch-root': 'audience:h poolId:h epoch:8 root:h policyHash:h cumulativeUnits:16 signerSet:8 notAfter:8 checkpointHash:h dataHash:h',
    'revocation': 'audience:h poolId:h epoch:8 target:h targetKind:4 reason:4 signerSet:8 issuedAt:8',
    'signer-set': 'audience:h poolId:h set:8 previous:h issuedAt:8 threshold:4 size:4'}.items()}

def parse(payload_type, body):
    if not payload_type.startswith(OURS):
        need(re.fullmatch(r'[!#-%\'-;=?-Z^-z|~]{1,255}', payload_type), 'wrong-type')
        need(len(body) <= 16384, 'bad-length')
        return {'kind': 'document'}
    kind = payload_type[len(OURS):].removesuffix('.v1+abi')
    need(payload_type == OURS + kind + '.v1+abi' and kind in LAYOUT, 'wrong-type')
    fields, extra = LAYOUT[kind], len(body) // 32 - 7
    if kind == 'signer-set':
        need(len(body) % 32 == 0 and extra % 3 == 0 and 1 <= extra // 3 <= 32, 'bad-length')
        fields = fields + [(f'{f}{i}', w) for i in range(extra // 3) for f, w in (('alg', 4), ('x', 'h'), ('y', 'h'))]
    need(len(body) == 32 * len(fields), 'bad-length')
    s = {'kind': kind, 'digest': sha256(body)}
    for i, (name, width) in enumerate(fields):
        word = body[32 * i:32 * i + 32]
        if width == 'h': s[name] = word; continue
        high = 16 if width == 's' else 32 - int(width)
        need(word[:high] == (b'\xff' if width == 's' and word[16] > 127 else b'\0') * high, 'dirty-padding')
        s[name] = integer(word[high:])
    rules(s)
    return s

def rules(s):
    need(any(s['audience']), 'out-of-range')
    if s['kind'] == 'contribution':
        outcome = s['verdict'] >> 16
        need(s['nullifier'] == sha256(b'verifyd/nullifier/v1' + s['poolId'] + s['workerId'] + s['taskId'] + s['slot'].to_bytes(4, 'big')), 'out-of-range')
        need(s['units'] <= s['cumulativeUnits'] and 1 <= outcome <= 4 and (outcome < 3 or s['units'] == 0), 'out-of-range')
        need(s['stepsFailed'] <= s['stepsReplayed'] <= s['stepsClaimed'] and (outcome > 1 or s['stepsFailed'] == 0), 'out-of-range')
    elif s['kind'] == 'epoch-root': need(s['epoch'] and any(s['root']) and s['signerSet'], 'out-of-range')
    elif s['kind'] == 'revocation': need(any(s['target']) and s['targetKind'] in (1, 2) and s['reason'] < 65536 and s['signerSet'], 'out-of-range')
    else:
        n = s['size']
        need(s['set'] and (s['set'] == 1) == (not any(s['previous'])) and 'alg%d' % (n - 1) in s and 'alg%d' % n not in s, 'out-of-range')
        need(1 <= s['threshold'] <= n, 'out-of-range')
        s['keys'] = [(s[f'alg{i}'], s[f'x{i}'], s[f'y{i}']) for i in range(n)]
        for i, key in enumerate(s['keys']):
            need(1 <= key[0] <= 3, 'out-of-range')
            check_key(key)
            need(i == 0 or key != s['keys'][i - 1], 'duplicated-signer')
            need(i == 0 or key > s['keys'][i - 1], 'out-of-range')

# -- Envelopes
def envelope_text(j):
    sigs = ','.join('{"keyid":"%s","sig":"%s"}' % (s['keyid'], s['sig']) for s in j['signatures'])
    return '{"payloadType":"%s","payload":"%s","signatures":[%s]}' % (j['payloadType'], j['payload'], sigs)

def canonical(data, encode):
    try:
        j = json.loads(data)
        need(encode(j) + '\n' == data.decode(), 'not-canonical')
        return j
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError): raise Refused('not-canonical')

def open_envelope(data):
    need(len(data) <= 32768, 'bad-length')
    j = canonical(data, envelope_text)
    e = {'type': j['payloadType'], 'body': unbase64(j['payload']), 'file': data}
    e['sigs'] = [(s['keyid'], unbase64(s['sig'])) for s in j['signatures']]
    need(1 <= len(e['sigs']) <= 64 and all(re.fullmatch('0x[0-9a-f]{64}', k) for k, _ in e['sigs']), 'not-canonical')
    e['says'] = parse(e['type'], e['body'])
    ids = [k for k, _ in e['sigs']]
    need(len(ids) == 1 or e['says']['kind'] != 'contribution', 'not-canonical')
    need(e['says']['kind'] != 'contribution' or ids[0] != '0x' + e['says']['workerId'].hex(), 'wrong-signer-set')
    need(len(set(ids)) == len(ids), 'duplicated-signer')
    need(ids == sorted(ids), 'not-canonical')
    for _, sig in e['sigs']:
        if len(sig) != 64: split_der(sig)
    return e

def pae(payload_type, body): return b'DSSEv1 %d %s %d ' % (len(payload_type), payload_type.encode(), len(body)) + body

def verify_envelope(e, threshold, keys):
    by_id = {'0x' + sha256(spki(k)).hex(): k for k in keys}
    for keyid, sig in e['sigs']:
        need(keyid in by_id, 'wrong-signer-set')
        verify(by_id[keyid], pae(e['type'], e['body']), sig)
    need(len(e['sigs']) >= threshold, 'below-quorum')
    return [by_id[keyid] for keyid, _ in e['sigs']]

# -- What a ledger checks: policy (None: any), signers, former (sets), now (0: no clock), growth, accepted (good roots in
# ascending order), accounts (what each was paid), paid (their sum), revoked (digests), log (its key).
def ledger(signers, **known):
    return {'audience': signers['audience'], 'pool': signers['poolId'], 'policy': None, 'signers': signers, 'former': [], 'now': 0,
            'growth': 65536, 'accepted': [], 'accounts': {}, 'paid': 0, 'revoked': [], 'log': None, **known}

def meant(l, e, kind):
    s = e['says']
    need(s['kind'] == kind, 'wrong-type')
    need(s['audience'] == l['audience'], 'wrong-audience')
    need(s['poolId'] == l['pool'], 'wrong-pool')
    return s

def timely(l, s): need(not l['now'] or s['issuedAt'] <= l['now'] + 300, 'from-the-future')

def quorum(l, e):
    need(e['says']['signerSet'] == l['signers']['set'], 'wrong-signer-set')
    verify_envelope(e, l['signers']['threshold'], l['signers']['keys'])

def read_root(l, e):
    s = meant(l, e, 'epoch-root')
    quorum(l, e)
    need(not l['policy'] or s['policyHash'] == l['policy'], 'wrong-policy')
    need(not l['now'] or l['now'] <= s['notAfter'], 'expired')
    need(s['digest'] not in l['revoked'], 'revoked')
    return s

last = lambda l: l['accepted'][-1] if l['accepted'] else {'epoch': 0, 'cumulativeUnits': 0}

def accept(l, e):
    s = read_root(l, e)
    need(s['epoch'] > last(l)['epoch'], 'replayed-epoch')
    need(s['epoch'] - last(l)['epoch'] <= l['growth'], 'epoch-too-far')
    need(s['cumulativeUnits'] >= max(last(l)['cumulativeUnits'], l['paid']), 'decreasing-total')
    l['accepted'].append(s)

def revoke(l, e):
    s = meant(l, e, 'revocation')
    quorum(l, e)
    timely(l, s)
    l['revoked'].append(s['target'])
    l['accepted'] = [r for r in l['accepted'] if r['digest'] != s['target']]

def rotate(l, e):
    s, old = meant(l, e, 'signer-set'), l['signers']
    need(s['set'] == old['set'] + 1 and s['previous'] == old['digest'], 'bad-rotation')
    timely(l, s)
    signed = verify_envelope(e, 1, old['keys'] + s['keys'])
    need(all(k in signed for k in s['keys'] if k not in old['keys']), 'bad-rotation')
    need(sum(k in old['keys'] for k in signed) >= old['threshold'], 'below-quorum')
    l['former'].append(old)
    l['signers'] = s

# An accepted root was judged by the set of its time, and neither policy nor clock is asked again.
def accepted(l, root):
    r = root and next((r for r in l['accepted'] if r['digest'] == sha256(root['body'])), None)
    return r and next((s for s in l['former'] + [l['signers']] if s['set'] == r['signerSet']), None)

# -- The log: RFC 6962 trees, C2SP's checkpoints and proofs
def log_lines(text, first):
    head, _, checkpoint = text.partition('\n\n')
    body, _, signatures = checkpoint.partition('\n\n')
    lines, origin = head.split('\n'), body.split('\n')
    signed = [re.fullmatch('— ([^\\s+]+) (\\S+)\n', line) for line in signatures.splitlines(keepends=True)]
    need(lines[:len(first) - 1] == first[:-1] and len(lines) >= len(first) and len(origin) == 3 and 0 < len(signed) <= 64 and all(signed), 'bad-log')
    number = re.fullmatch(first[-1] + '(0|[1-9][0-9]{0,17})', lines[len(first) - 1])
    need(number and re.fullmatch('[1-9][0-9]{0,17}', origin[1]), 'bad-log')
    path = [unbase64(h, 'bad-log') for h in lines[len(first):]]
    signed = [(m[1], unbase64(m[2], 'bad-log')) for m in signed]
    need(all(len(sig) > 4 for _, sig in signed), 'bad-log')
    return int(number[1]), path, body + '\n', signed

def log_open(vkey, text, first):
    need(vkey, 'bad-log')
    number, path, body, signed = log_lines(text, first)
    origin, _, material = vkey.split('+', 2)
    material = base64.b64decode(material)
    # Signatures by others, such as witnesses, are passed over, and the log's own second ones.
    own = [sig for name, sig in signed if name == origin and sig[:4] == sha256(origin.encode() + b'\n' + material)[:4]]
    need(own and origin == body.split('\n')[0], 'bad-log')
    try: verify((3, material[1:], bytes(32)), body.encode(), own[0][4:])
    except Refused: raise Refused('bad-log')
    return number, path, body, int(body.split('\n')[1]), unbase64(body.split('\n')[2], 'bad-log')

def pair(a, b): return sha256(b'\1' + a + b)

def included(vkey, text, entry):
    index, path, body, size, root = log_open(vkey, text, ['c2sp.org/tlog-proof@v1', 'index '])
    need(index < size, 'bad-log')
    at, last, h = index, size - 1, sha256(b'\0' + entry)
    for p in path:
        need(last > 0, 'bad-log')
        if at & 1 or at == last:
            h = pair(p, h)
            while not at & 1 and at: at, last = at >> 1, last >> 1
        else: h = pair(h, p)
        at, last = at >> 1, last >> 1
    need(last == 0 and h == root, 'bad-log')
    return body, size, root

def consistent(vkey, text, old_size, old_root):
    old, path, body, size, root = log_open(vkey, text, ['old '])
    need(old == old_size <= size, 'bad-log')
    if old == size: return need(not path and root == old_root, 'bad-log') or body
    if old & (old - 1) == 0: path = [old_root] + path
    need(path, 'bad-log')
    at, last, a, b = old - 1, size - 1, path[0], path[0]
    while at & 1: at, last = at >> 1, last >> 1
    for p in path[1:]:
        need(last > 0, 'bad-log')
        if at & 1 or at == last:
            a, b = pair(p, a), pair(p, b)
            while not at & 1 and at: at, last = at >> 1, last >> 1
        else: b = pair(b, p)
        at, last = at >> 1, last >> 1
    need(last == 0 and a == old_root and b == root, 'bad-log')
    return body

# -- Bundles
def bundle_text(j):
    text = lambda t: '"%s"' % t.replace('\n', '\\n')
    maybe = lambda f, v: 'null' if v is None else f(v)
    parts = ['"bundle":"verifyd/vproof/v1"', '"signerSet":{"set":"%s","digest":"%s"}' % (j['signerSet']['set'], j['signerSet']['digest']),
             '"contribution":' + envelope_text(j['contribution']), '"epochRoot":' + maybe(envelope_text, j['epochRoot']),
             '"merkle":' + maybe(lambda m: '[' + ','.join(f'"{h}"' for h in m) + ']', j['merkle']),
             '"log":' + maybe(lambda m: '{' + ','.join(f'"{k}":' + text(m[k]) for k in ('contribution', 'epochRoot', 'consistency')) + '}', j['log']),
             '"attachments":[' + ','.join(map(envelope_text, j['attachments'])) + ']']
    return '{' + ','.join(parts) + '}'

def verify_bundle(l, data, pays=True):
    need(len(data) <= 524288, 'bad-length')
    j = canonical(data, bundle_text)
    hexes = [j['signerSet']['digest']] + (j['merkle'] or [])
    need(all(re.fullmatch('0x[0-9a-f]{64}', h) for h in hexes) and re.fullmatch('0|[1-9][0-9]{0,19}', j['signerSet']['set']), 'not-canonical')
    need(len(j['merkle'] or []) <= 64 and len(j['attachments']) <= 8, 'not-canonical')
    opened = lambda v: open_envelope((envelope_text(v) + '\n').encode())
    e, root = opened(j['contribution']), j['epochRoot'] and opened(j['epochRoot'])
    attachments, path = list(map(opened, j['attachments'])), [bytes.fromhex(h[2:]) for h in j['merkle'] or []]
    late = accepted(l, root)
    speaks = late or l['signers']
    need(int(j['signerSet']['set']) == speaks['set'] and hexes[0] == '0x' + speaks['digest'].hex(), 'wrong-signer-set')
    c = meant(l, e, 'contribution')
    verify_envelope(e, 1, speaks['keys'] if j['merkle'] is None else sum((s['keys'] for s in l['former']), l['signers']['keys']))
    if not late: timely(l, c)
    need(c['digest'] not in l['revoked'], 'revoked')
    if root:
        if late: verify_envelope(root, late['threshold'], late['keys'])
        r = root['says'] if late else read_root(l, root)
        need(r['epoch'] >= c['epoch'], 'wrong-epoch')
        need(r['epoch'] > c['epoch'] or r['policyHash'] == c['policyHash'], 'wrong-policy')
    if j['merkle'] is not None:
        need(root, 'bad-path')
        follow(r['root'], leaf(c['poolId'], c['account'] + c['cumulativeUnits'].to_bytes(32, 'big') + c['digest']), path)
    need(j['log'] or not root or j['merkle'] is not None, 'uncorroborated')
    if j['log']:
        older, size, head = included(l['log'], j['log']['contribution'], e['file'])
        need(not root or j['merkle'] is not None or r['checkpointHash'] == sha256(older.encode()), 'uncorroborated')
        if j['log']['epochRoot'] or j['log']['consistency']:
            need(root, 'bad-log')
            newer, _, _ = included(l['log'], j['log']['epochRoot'], root['file'])
            need(consistent(l['log'], j['log']['consistency'], size, head) == newer, 'bad-log')
    for a in attachments:
        need(a['says']['kind'] == 'document', 'wrong-type')
        verify_envelope(a, 1, speaks['keys'])
    need(not pays or j['merkle'] is not None, 'bad-path')
    return c

# -- Payments. Each returns the units that it pays, and pays all or nothing.
def credit(l, rows):
    due = {account: total - l['accounts'].get(account, 0) for account, total in rows if total > l['accounts'].get(account, 0)}
    need(not due or l['paid'] + sum(due.values()) <= last(l)['cumulativeUnits'], 'above-total')
    for account in due: l['accounts'][account] = l['accounts'].get(account, 0) + due[account]
    l['paid'] += sum(due.values())
    return sum(due.values())

def claim(l, data):
    c = verify_bundle(l, data)
    root = sha256(unbase64(json.loads(data)['epochRoot']['payload']))
    need(any(r['digest'] == root for r in l['accepted']), 'not-accepted')
    return credit(l, [(c['account'], c['cumulativeUnits'])])

def pay(l, file):
    need(l['accepted'], 'not-accepted')
    need(sha256(file) == last(l)['dataHash'], 'wrong-leaves')
    rows = leaves(file)
    need(tree_root(l['pool'], rows) == last(l)['root'], 'wrong-leaves')
    return credit(l, [(row[:32], integer(row[32:64])) for row in rows if row[64:] not in l['revoked']])

def due(l): return max(0, last(l)['cumulativeUnits'] - l['paid'])

def audience(name):
    if name.startswith('urn:'): forms = [r'urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:[a-zA-Z0-9._:-][a-zA-Z0-9._:/-]{0,127}']
    else:
        forms = ['[a-z0-9-]{3,8}:[a-zA-Z0-9_-]{1,32}:[a-zA-Z0-9.-]{1,128}']
        if name.startswith('eip155:'): forms += ['eip155:[1-9][0-9]{0,31}:0x[0-9a-f]{40}']
        if re.match('[^:]+:[^:]+:0[xX]', name): forms += ['[^:]+:[^:]+:0x[0-9a-f]+']
        if name.startswith('cosmos:'): forms += ['cosmos:[^:]+:[a-z0-9]+']
    need(all(re.fullmatch(form, name) for form in forms), 'out-of-range')
    return sha256(name.encode())

# -- The command
def read_file(path):
    try:
        with open(path, 'rb') as file: return file.read()
    except OSError as error: raise Refused(str(error))

def opened_as(path, kind):
    e = open_envelope(read_file(path))
    need(e['says']['kind'] == kind, 'wrong-type: %s is a %s, want a %s' % (path, e['says']['kind'], kind))
    return e['says']

def check_bundle(o):
    signers, data = opened_as(o.signers, 'signer-set'), read_file(o.bundle)
    if not data.startswith(b'{"bundle":'):
        try: kind = open_envelope(data)['says']['kind']
        except Refused: kind = 'file of another kind'
        raise Refused('not-canonical: %s is a %s, want a bundle: a statement alone shows neither a quorum nor a path' % (o.bundle, kind))
    c = verify_bundle(ledger(signers, now=int(time.time()) if o.now is None else o.now, log=o.log), data)
    if not any(c['beacon']): print('warning: rests on a fixed beacon: whoever made its value knew the sample before the work', file=sys.stderr)
    print('account 0x%s: %d units in all, verdict %d' % (c['account'].hex(), c['cumulativeUnits'], c['verdict'] >> 16))
    return 0

def main(args):
    p = argparse.ArgumentParser(description='Verifies a .vproof by a signer set that is trusted.')
    p.add_argument('--bundle', required=True, help='.vproof file')
    p.add_argument('--signers', required=True, help='file of the signer set')
    p.add_argument('--log', help="the log's key, as c2sp.org/signed-note writes it")
    p.add_argument('--now', type=int, help='moment to judge as of, in seconds of the Unix epoch; now if not given')
    return check_bundle(p.parse_args(args))

if __name__ == '__main__':
    try: sys.exit(main(sys.argv[1:]))
    except Refused as refusal: sys.exit('refused: %s' % refusal)
