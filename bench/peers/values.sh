#!/usr/bin/env bash
# Installs the peers of `make bench-values` into build/peers, once. Debian 12:
#     apt-get install python3-torch python3-torchvision python3-scipy python3-pandas python3-venv
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -e build/peers/done ] && cmp -s bench/peers/values.txt build/peers/done && exit
python=/usr/bin/python3
"$python" -c 'import torch, torchvision, scipy, pandas' || {
  echo "install python3-torch, python3-torchvision, python3-scipy and python3-pandas (Debian 12)" >&2; exit 1; }
"$python" -m venv --system-site-packages build/peers
build/peers/bin/pip install --quiet --no-deps -r bench/peers/values.txt
cp bench/peers/values.txt build/peers/done
