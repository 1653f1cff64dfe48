#!/usr/bin/env bash
# Tests the package as its users get it: the wheel, installed into a clean virtual environment with the pins of requirements.txt.
# Its tests, its types, and each example; a step more is a line more at the end. Needs what build.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/python/venv
python/build.sh
wheel=$(ls build/python/wheels/verifyd-*x86_64.whl)
[ "$(uname -m)" != aarch64 ] || wheel=$(ls build/python/wheels/verifyd-*aarch64.whl)

# The same source gives the same wheel.
before=$(sha256sum <"$wheel")
rm "$wheel" build/python/verifyd-*
python/build.sh "$(${GO:-go} env GOARCH)" >/dev/null
[ "$before" = "$(sha256sum <"$wheel")" ] || { echo "$wheel: another build of it has other bytes"; exit 1; }

if ! cmp -s python/requirements.txt "$venv/done"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r python/requirements.txt
  cp python/requirements.txt "$venv/done"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
export PATH="$PWD/$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
unset VERIFYD_BINARY # the wheel's own is meant

(cd python && python -m mypy --cache-dir "../build/python/mypy")
(cd python && python -m pytest -p no:cacheprovider)
for example in examples/python/*.py; do
  echo "$example"
  (cd build/python && python "../../$example")
done
