#!/bin/sh
# Requires that the Go compiler fused no multiplication with an addition in the packages whose
# floating-point results are hashed, on eight targets. Only an explicit float32(x*y) prevents it.
# Then plants one fusible expression and requires that it is seen wherever the target can fuse.
# Assembly files are not looked at: the contract's own fused multiply-adds are there.
set -eu
cd "$(dirname "$0")/../.."
packages="./kernels ./verify/program ./cmd/verifyd/internal/digits"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fused counts the fused instructions that target's compiler writes. Arguments after the first go to go build.
fused() {
	arch=${1%:*} level=${1#*:}
	shift
	CGO_ENABLED=0 GOARCH=$arch GOAMD64=$level go build -gcflags=-S "$@" >"$work/listing" 2>&1 || {
		tail -n 20 "$work/listing" >&2
		exit 1
	}
	grep -qE '\.go:[0-9]+\)' "$work/listing" || {
		echo "no listing for $arch" >&2
		exit 1
	}
	grep -E '\.go:[0-9]+\)' "$work/listing" | grep -E '\b(VFN?M(ADD|SUB)|FN?M(ADD|SUB)|WFN?M[AS])' >"$work/fused" || true
	wc -l <"$work/fused"
}

cat >"$work/planted.go" <<'GO'
package kernels

func planted(x, y, z float32) float32 { return x*y + z }
GO
printf '{"Replace":{"%s":"%s"}}' "$PWD/kernels/planted.go" "$work/planted.go" >"$work/overlay"

failed=0
for target in amd64:v1 amd64:v3 amd64:v4 arm64:v1 ppc64le:v1 s390x:v1 riscv64:v1 loong64:v1; do
	count=$(fused $target $packages)
	if [ "$count" != 0 ]; then
		echo "$target: $count fused multiply-adds:" && head -n 20 "$work/fused"
		failed=1
	fi
	planted=$(fused $target -overlay "$work/overlay" ./kernels)
	if [ "$target" != amd64:v1 ] && [ "$planted" = 0 ]; then
		echo "$target: the planted multiply-add was not seen"
		failed=1
	fi
	echo "$target: $count fused, $planted with one planted"
done
exit $failed
