#!/usr/bin/env bash
# Builds the wheels into build/python/wheels: the package with the static command, for each platform named, or for both. The same
# source gives the same bytes (test.sh builds one twice). Needs Go, Python 3.11 with venv, and the pins of requirements-build.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/python
mkdir -p "$out/wheels"
if ! cmp -s python/requirements-build.txt "$out/builder/done"; then
  python3 -m venv --clear "$out/builder"
  "$out/builder/bin/pip" install --quiet --disable-pip-version-check --no-deps -r python/requirements-build.txt
  cp python/requirements-build.txt "$out/builder/done"
fi
export SOURCE_DATE_EPOCH=1577836800
for platform in ${*:-amd64 arm64}; do
  case $platform in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) echo "$platform: want amd64 or arm64"; exit 2 ;;
  esac
  binary=$PWD/$out/verifyd-$platform
  CGO_ENABLED=0 GOOS=linux GOARCH=$platform ${GO:-go} build -trimpath -buildvcs=false -ldflags="-s -w" -o "$binary" ./cmd/verifyd
  chmod 755 "$binary"
  (cd python && VERIFYD_BINARY=$binary VERIFYD_PLATFORM=manylinux_2_17_$machine.manylinux2014_$machine \
    "../$out/builder/bin/python" -m hatchling build -t wheel -d "../$out/wheels")
done
