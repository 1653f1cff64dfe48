#!/bin/sh
# Runs the golden vectors, the accumulated digests, the tests of the vector loops and three whole
# trainings with known roots on the AVX-512 code path under Bochs, an emulator of a whole PC, for
# machines whose processor has no AVX-512. It executes the shipped machine code. The first process of
# a Linux kernel, init.go, starts the tests.
# An argument replaces all that by the tests of optest whose name matches it.
# Debian: bochs bochsbios vgabios isolinux syslinux-common genisoimage cpio.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
emulator=
clean() {
	[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# The kernel image, unpacked and not installed.
mkdir -p "$work/kernel" "$work/root" "$work/iso"
image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
[ -n "$image" ] || {
	echo "no package with a kernel is known: run apt-get update first" >&2
	exit 1
}
(cd "$work/kernel" && apt-get download -q "$image" >/dev/null 2>&1 && dpkg-deb -x ./*.deb .)
cp "$work"/kernel/boot/vmlinuz-* "$work/iso/vmlinuz"

CGO_ENABLED=0 GOARCH=amd64 go build -o "$work/root/init" ./bochs
CGO_ENABLED=0 GOARCH=amd64 go test -c -o "$work/root/optest" .
CGO_ENABLED=0 GOARCH=amd64 go test -c -o "$work/root/kernels" ..
CGO_ENABLED=0 GOARCH=amd64 go test -c -o "$work/root/verify" ../../verify
mkdir "$work/root/tmp"
echo "/optest -isa=avx512 -test.v -test.run=${1:-Golden|Digest}" >"$work/root/commands"
[ $# -gt 0 ] || cat >>"$work/root/commands" <<'COMMANDS'
/kernels -test.short -test.v -test.run=Vector/avx512
/verify -test.v -test.run=FixedForAllTime
COMMANDS
cp -r testdata "$work/root/"
(cd "$work/root" && find . | cpio --quiet -o -H newc >"$work/iso/root.img")
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/"
# 323 and 321 are XSAVES and XSAVEC, whose sizes Bochs 2.7 reports wrongly.
cat >"$work/iso/isolinux.cfg" <<CONFIG
default verifyd
prompt 0
label verifyd
 kernel vmlinuz
 append initrd=root.img console=ttyS0 quiet mitigations=off clearcpuid=323,321 tsc=reliable random.trust_cpu=on
CONFIG
genisoimage -quiet -o "$work/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/iso"

cat >"$work/bochsrc" <<CONFIG
display_library: rfb, options="timeout=0"
cpu: model=corei7_skylake_x, ips=50000000, ignore_bad_msrs=1
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
CONFIG
echo c >"$work/continue"
timeout 1800 bochs-bin -q -unlock -f "$work/bochsrc" -rc "$work/continue" >/dev/null 2>&1 &
emulator=$!
: >"$work/serial"
until grep -q '^finished: ' "$work/serial" || ! kill -0 "$emulator" 2>/dev/null; do sleep 1; done
tr -d '\r' <"$work/serial" | grep -vE '^ +--- PASS|^=== '
grep -q '^finished: passed' "$work/serial"
