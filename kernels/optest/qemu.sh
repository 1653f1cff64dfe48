#!/bin/sh
# Runs the golden vectors, the accumulated digests and the fixed claims on other processors, under QEMU user emulation
# (Debian: qemu-user-static). arm64 tests NEON beside the reference, s390x the big-endian order of bytes.
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for machine in arm64:aarch64 s390x:s390x; do
	arch=${machine%:*} qemu=qemu-${machine#*:}-static
	for package in . ./optest ../verify/program ../verify; do
		CGO_ENABLED=0 GOARCH=$arch go test -c -o "$out/test" $package
		(cd $package && "$qemu" "$out/test" -test.run 'Golden|KnownAnswers|Digest|FixedForAllTime')
	done
	echo "$arch: golden vectors and digests are the same"
done
