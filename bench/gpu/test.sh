#!/usr/bin/env bash
# Tests the bundle without a GPU: run.sh says at once that there is no driver, a damaged bundle is refused, and with a driver
# that computes nothing (cgo/testdata/driver.c) wrong bits make steps fail, and none hides another. Needs a C compiler.
#
#	test.sh [FOLDER]     of the bundle, build/gpu if none is named; bundle.sh makes it
set -euo pipefail
cd "$(dirname "$0")/../.."
bundle=$(realpath "${1:-build/gpu}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "test.sh: $1" >&2
  cat "$work/said" >&2
  exit 1
}
says() { grep -qE "$1" "$work/said" || fail "nothing says \"$1\""; }
runs() { # runs CODE ARGUMENT...
  local want=$1 code=0
  shift
  bash "$bundle/run.sh" --out "$work/out" "$@" >"$work/said" 2>&1 || code=$?
  [ "$code" = "$want" ] || fail "exit code $code, want $want"
}

for script in bench/gpu/*.sh; do
  bash -n "$script"
  ! command -v shellcheck >/dev/null || shellcheck "$script"
done

if ! ldconfig -p | grep -q libcuda.so.1; then
  runs 1
  says '^device +FAILED .*no NVIDIA driver'
  says '^bench +not run .*there is no GPU'
  says 'the CPU serves'
fi

mkdir "$work/driver"
cc -shared -fPIC -O1 -Icgo -o "$work/driver/libcuda.so.1" cgo/testdata/driver.c -ldl -lpthread
ln -s libcuda.so.1 "$work/driver/libnvidia-ml.so.1"
printf 'run 1\nmemory 8589934592\n' >"$work/driver/control"
export LD_LIBRARY_PATH=$work/driver
runs 1 --steps "device golden operators train"
says '^device +passed'
says '^golden +FAILED .* failed'
says '^train +FAILED'
grep -q '"step": "train", "result": "FAILED"' "$work/out/results.json" || fail "results.json lacks a step"
runs 2 --device cpu
runs 2 --steps wash

cp -r "$bundle" "$work/damaged"
echo >>"$work/damaged/verifyd"
bundle=$work/damaged
runs 1
says 'damaged'
echo "the bundle does what it must without a GPU"
