#!/usr/bin/env bash
# Runs examples/python/values.ipynb, whose plots are then in build/python/values.ipynb, and the Python of docs/researchers.md, with the
# wheel, in an environment of the pins of requirements-notebook.txt. Needs what build.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/python/notebook
python/build.sh "$(${GO:-go} env GOARCH)"
wheel=$(ls build/python/wheels/verifyd-*"$(uname -m)".whl)
if ! cmp -s python/requirements-notebook.txt "$venv/done"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r python/requirements-notebook.txt
  cp python/requirements-notebook.txt "$venv/done"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
export PATH="$PWD/$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=2 IPYTHONDIR="$PWD/build/python/ipython" MPLCONFIGDIR="$PWD/build/python/matplotlib"
unset VERIFYD_BINARY # the wheel's own is meant
python python/notebook.py
