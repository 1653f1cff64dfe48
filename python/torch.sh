#!/usr/bin/env bash
# Tests what the package does with PyTorch: the wheel and PyTorch's own in a clean virtual environment, with the pins of
# requirements-torch.txt. PyTorch's wheel is built for CUDA; stubs stand in for the libraries that nothing here calls. Needs gcc,
# binutils, and what build.sh needs.
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
export LD_LIBRARY_PATH="$PWD/$venv/stubs" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=2
unset VERIFYD_BINARY # the wheel's own is meant
cd python
"../$venv/bin/python" -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . torch_tests
