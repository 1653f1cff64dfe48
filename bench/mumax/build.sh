#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds this folder's program, which needs Go and a C compiler but neither CUDA nor a GPU.
#
#	build.sh build FILE     the program; it runs on Linux with an NVIDIA driver and nothing else
#	build.sh test [ARG...]  go test ./..., with a libcuda that executes on the CPU
#	build.sh vet            go vet ./...
set -euo pipefail
cd "$(dirname "$0")"

# mumax3 looks for cuda.h, cufft.h and their libraries in the toolkit's folders; here it finds those of
# toolkit/. Go does not look into headers that flags name, so their digest is a flag too.
toolkit=$PWD/toolkit
digest=$(cat toolkit/include/*.h toolkit/lib/*.a | sha256sum | cut -c1-16)
export CGO_ENABLED=1
export CGO_CFLAGS="-O2 -I$toolkit/include -DTOOLKIT=0x$digest"
export CGO_LDFLAGS="-L$toolkit/lib"

case ${1:-} in
build)
  out=$(realpath -m "${2:?which file is the program to be}")
  go build -buildvcs=auto -trimpath -ldflags '-s -w -buildid=' -o "$out" .
  # The program must start wherever there is a C library, whatever the build machine has installed.
  if command -v readelf >/dev/null && readelf -d "$out" | grep NEEDED | grep -vE 'lib(c|dl|pthread)\.so|ld-linux'; then
    echo "build.sh: $out needs a library that a GPU machine may lack" >&2
    exit 1
  fi
  ;;
test) go test -count=1 "${@:2}" ./... ;; # the paper driver is compiled behind the cache of test results
vet) go vet ./... ;;
*)
  sed -n '5,9s/^#\t\{0,1\} \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
