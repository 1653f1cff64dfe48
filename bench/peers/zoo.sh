#!/usr/bin/env bash
# Exports the models of the zoo, 23 of torchvision, transformers and tutorials, and holds a step of each to PyTorch's (zoo.py).
# Installs what that takes, pinned, into build/zoo, once: some minutes and 1.6 GB. Needs Python 3.11 with venv, gcc, binutils and
# build/verifyd.
set -euo pipefail
cd "$(dirname "$0")/../.."
zoo=build/zoo
if ! cmp -s bench/peers/zoo.txt "$zoo/done"; then
  python3 -m venv --clear "$zoo"
  "$zoo/bin/pip" install --quiet --disable-pip-version-check --no-deps -r bench/peers/zoo.txt
  "$zoo/bin/python" python/torch_tests/without_cuda.py "$zoo/stubs"
  cp bench/peers/zoo.txt "$zoo/done"
fi
export LD_LIBRARY_PATH="$PWD/$zoo/stubs" PYTHONPATH="$PWD/python/src" VERIFYD_BINARY="$PWD/build/verifyd" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
"$zoo/bin/python" bench/peers/zoo.py "$@"
