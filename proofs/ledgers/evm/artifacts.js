#!/usr/bin/env node
// Writes artifacts/, what forge built, for those who deploy without a compiler: ABI and creation bytecode of each
// contract. With --check it writes nothing and fails if what is committed differs.
const fs = require('fs');
const path = require('path');

const contracts = ['CumulativeMinter', 'PrefundedDistributor', 'PolicyGovernor', 'VoteToken', 'TimelockController'];
const solc = require('solc/package.json').version;
const check = process.argv.includes('--check');

let differ = 0;
for (const name of contracts) {
  const built = JSON.parse(fs.readFileSync(path.join(__dirname, 'out', `${name}.sol`, `${name}.json`)));
  const abi = built.abi.map((entry) => '    ' + JSON.stringify(entry)).join(',\n');
  const text = `{\n  "contract": "${name}",\n  "solc": "${solc}",\n  "abi": [\n${abi}\n  ],\n  "bytecode": "${built.bytecode.object}"\n}\n`;
  const file = path.join(__dirname, 'artifacts', `${name}.json`);
  if (!check) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what forge builds: run npm run build and commit it`);
    differ++;
  }
}
process.exitCode = differ > 0 ? 1 : 0;
