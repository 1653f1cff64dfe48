#!/usr/bin/env bash
# Gathers all that tests and measures verifyd on a machine with a GPU into a folder: programs that need nothing there but
# a C library and the driver, and run.sh. The kernels' PTX and the Python of the peers are inside of the programs.
#
#	bundle.sh [FOLDER]     build/gpu if none is named
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$(realpath -m "${1:-build/gpu}")
most=$((60 << 20)) # bytes
newest=2.34        # glibc that may be needed: RHEL 9, Debian 12, Ubuntu 22.04

rm -rf "$out"
mkdir -p "$out"
export CGO_ENABLED=1 GOOS=linux GOARCH=amd64
flags=(-trimpath -ldflags "-s -w")
go build "${flags[@]}" -o "$out/verifyd" ./cmd/verifyd
go build "${flags[@]}" -o "$out/bench" ./bench/cmd/bench
go test -c -tags gpu "${flags[@]}" -o "$out/cgo.test" ./cgo
bench/mumax/build.sh build "$out/mumax"
cp bench/mumax/LICENSE "$out/mumax.LICENSE" # which is not ours
cp bench/gpu/run.sh "$out/run.sh"

commit=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || commit+=+
echo "$commit" >"$out/COMMIT"
(cd "$out" && sha256sum -- * >SHA256SUMS)

bash -n "$out/run.sh"
needed=$(for program in verifyd bench cgo.test mumax; do objdump -T "$out/$program"; done | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1)
size=$(find "$out" -type f -printf '%s\n' | awk '{n += $1} END {print n}')
printf '%s: %s, %d of at most %d MiB, needs glibc %s\n' "$out" "$commit" "$((size >> 20))" "$((most >> 20))" "$needed"
if [ "$size" -gt "$most" ]; then
  echo "bundle.sh: the bundle is larger than $most bytes" >&2
  exit 1
fi
if [ "$(printf '%s\n%s\n' "$needed" "$newest" | sort -V | tail -n 1)" != "$newest" ]; then
  echo "bundle.sh: the programs need glibc $needed, newer than $newest: build them on an older system" >&2
  exit 1
fi
