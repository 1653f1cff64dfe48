#!/usr/bin/env bash
# Compiles every kernel to PTX: ptx.sh FOLDER [flag...] writes FOLDER/NAME.ptx for each NAME.cu. Needs clang 19.1 and no NVIDIA SDK.
# `go test ./kernels/ptx -update` writes kernels/ptx/modules with it. The committed modules are those of 19.1.7 (Debian 12's
# clang-19 1:19.1.7-3~deb12u1); another 19.1 serves to compare as far as it writes the same.
set -euo pipefail
out=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
clang=${CLANG:-clang-19}
"$clang" --version | grep -qF 'clang version 19.1.' || { echo "ptx.sh: $clang is not clang 19.1" >&2; exit 1; }
# -Werror, and no contraction: the intrinsics write every rounding, so neither option nor optimization may change one.
printf '%s\n' *.cu | xargs -P "$(nproc)" -I{} bash -c 'f={}; exec "$0" -x cuda --cuda-device-only --cuda-gpu-arch=sm_70 --cuda-feature=+ptx64 \
  -nocudainc -nocudalib -std=c++17 -O3 -ffp-contract=off -Wall -Werror -I. "${@:2}" -S "$f" -o "$1/${f%.cu}.ptx"' "$clang" "$out" "$@"
