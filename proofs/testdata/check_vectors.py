#!/usr/bin/env python3
"""Gives check.py's reader the vectors, and its ledger the sequences: every one must come out as it expects.

    check_vectors.py vectors/*.txt sequences/*.txt
"""
import sys
sys.dont_write_bytecode = True

from check import *

def read_vector(kind, f, body):
    unhex = lambda name: bytes.fromhex(f[name].removeprefix('0x'))
    many = lambda name: [bytes.fromhex(h.removeprefix('0x')) for h in f.get(name, 'none').split(',') if h != 'none']
    if kind == 'statement': parse(f['type'], body)
    elif kind == 'signature':
        parse(f['type'], body)
        verify(parse_spki(unhex('key')), pae(f['type'], body), unhex('sig'))
    elif kind == 'key': assert sha256(spki(parse_spki(body))) == unhex('keyid')
    elif kind == 'envelope': verify_envelope(open_envelope(body), int(f['threshold']), list(map(parse_spki, many('keys'))))
    elif kind == 'audience': assert audience(f['name']) == unhex('hash')
    elif kind == 'leaves': assert tree_root(unhex('pool'), leaves(body)) == unhex('root')
    elif kind == 'path': follow(unhex('root'), leaf(unhex('pool'), leaves(body)[0]), many('path'))
    elif kind == 'multiproof':
        rows = [leaf(unhex('pool'), leaves(body[i:i + 96])[0]) for i in range(0, len(body), 96)]
        follow_many(unhex('root'), rows, many('path'), list(map(int, f['flags'])))
    else:
        l = ledger(parse(OURS + 'signer-set.v1+abi', unhex('signers')), audience=unhex('audience'), pool=unhex('pool'), policy=unhex('policy'),
                   now=int(f['now']), growth=int(f.get('growth', 65536)), paid=int(f.get('paid', 0)), revoked=many('revoked'), log=f.get('log'))
        if 'last-epoch' in f: l['accepted'] = [{'epoch': int(f['last-epoch']), 'cumulativeUnits': int(f.get('last-total', 0)), 'digest': b''}]
        if kind == 'sequence': return follow_steps(l, body.decode())
        if kind in ('bundle', 'reading'): verify_bundle(l, body, kind == 'bundle')
        else: {'root': accept, 'revocation': revoke, 'rotation': rotate}[kind](l, open_envelope(body))

def take_step(l, do, given):
    if do in ('accept', 'revoke', 'rotate'): {'accept': accept, 'revoke': revoke, 'rotate': rotate}[do](l, open_envelope(given.encode()))
    elif do == 'policy': l['policy'] = bytes.fromhex(given[2:])
    elif do == 'clock': l['now'] = int(given)
    elif do == 'claim': return claim(l, given.encode())
    elif do == 'pay': return pay(l, bytes.fromhex(given))
    elif do == 'balance': return l['accounts'].get(bytes.fromhex(given[2:]), 0)
    elif do == 'due': return due(l)
    else: assert False, do

def follow_steps(l, text):
    for number, step in enumerate(text.removesuffix('\n').split('\n\n'), 1):
        f = dict(line.split(': ', 1) for line in step.split('\n'))
        given = f.get('input', '') + '\n' * (f['step'] in ('accept', 'revoke', 'rotate', 'claim'))
        try:
            units = take_step(l, f['step'], given)
            got = 'success' if units is None else 'success %d' % units
        except Refused as refusal: got = str(refusal)
        if got != f['expect']: raise Refused('step %d: %s, want %s' % (number, got, f['expect']))

def check_vector(path):
    header, _, body = read_file(path).partition(b'\n\n')
    try:
        f = dict(line.split(': ', 1) for line in header.decode().split('\n'))
        kind, expect = f['kind'], f.get('expect', 'success') # of a sequence each step says it
    except (ValueError, KeyError): raise Refused('%s is no vector' % path)
    try: read_vector(kind, f, body if f.get('encoding') == 'file' else bytes.fromhex(body.decode()))
    except Refused as refusal: return str(refusal) == expect.split()[0]
    return expect == 'success'

def main(paths):
    wrong = [path for path in paths if not check_vector(path)]
    print('%d vectors, %d come out as they should' % (len(paths), len(paths) - len(wrong)), *wrong, sep='\n')
    return bool(wrong) or not paths

if __name__ == '__main__':
    try: sys.exit(main(sys.argv[1:]))
    except Refused as refusal: sys.exit('refused: %s' % refusal)
