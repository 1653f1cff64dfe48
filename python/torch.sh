#!/usr/bin/env bash
# Tests what the package does with PyTorch: the wheel and PyTorch's own in a clean virtual environment, with the pins of
# requirements-torch.txt. Its tests, its types, docs/workers.md as it is printed, and each example of examples/pytorch. PyTorch's wheel is
# built for CUDA; stubs stand in for the libraries that nothing here calls. Needs gcc, binutils, and what build.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/python/torch
python/build.sh "$(${GO:-go} env GOARCH)"
wheel=$(ls build/python/wheels/verifyd-*"$(uname -m)".whl)
if ! cmp -s python/requirements-torch.txt "$venv/done"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r python/requirements-torch.txt
  "$venv/bin/python" python/torch_tests/without_cuda.py "$venv/stubs"
  cp python/requirements-torch.txt "$venv/done"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
export PATH="$PWD/$venv/bin:$PATH" LD_LIBRARY_PATH="$PWD/$venv/stubs" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=2
unset VERIFYD_BINARY # the wheel's own is meant

cd python
ruff check --no-cache --quiet . ../examples
# PyTorch's methods have types in part: what lacks them is believed here, and nothing is without PyTorch (test.sh).
MYPYPATH=../examples/pytorch python -m mypy --allow-untyped-calls --allow-subclassing-any --no-warn-return-any --cache-dir ../build/python/mypy-torch \
  src/verifyd ../examples/pytorch
python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . torch_tests
