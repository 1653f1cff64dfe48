// Reads the vectors of ../../testdata/vectors.
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../testdata/vectors/', import.meta.url);

export function vectors(kind) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      const cut = text.indexOf('\n\n');
      const v = { name: name.slice(0, -4), input: text.slice(cut + 2) };
      for (const line of text.slice(0, cut).split('\n')) {
        const colon = line.indexOf(': ');
        v[line.slice(0, colon)] = line.slice(colon + 2);
      }
      return v;
    })
    .filter((v) => v.kind === kind);
}

export const bytes = (hex) => Buffer.from(hex.replace(/0x|\s/g, ''), 'hex');
