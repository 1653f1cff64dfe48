#!/usr/bin/env bash
# Tests and measures verifyd on a GPU. It needs a driver, bash and coreutils; PyTorch is measured beside it if
# `python3 -c 'import torch'` works. It ends in a table, and exits 0 only if every step passed.
#
#	run.sh [--device cuda:N] [--out FOLDER] [--limit SECONDS] [--steps "STEP ..."]
#
# The folder ($OUT, or ./out) gets table.txt, results.json, log.txt, and from the steps doctor.json, gpu.json (the benchmarks) and
# mumax.json. The steps, each with a limit of its own within that of the whole (530 s):
#
#	device      the driver is there and the GPU opens
#	doctor      verifyd doctor
#	golden      the golden vectors of DRN-1
#	operators   every case of the conformance suite
#	train       300 steps of each training, among them ResNet-18, a ViT, a Llama and LoRA, against digests that were made on the CPU
#	demo        verifyd demo on the GPU and on the CPU, each judged by the other: the same evidence
#	faults      no memory left, corrupted PTX, work abandoned, a lost context, two processes on one device
#	bench       the benchmarks, beside PyTorch
#	mumax       reductions and launches beside mumax3
# shellcheck disable=SC2317 # the steps are called by their names
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
device=cuda:0
out=${OUT:-out}
limit=530
steps="device doctor golden operators train demo faults bench mumax"
step=
while [ $# -gt 0 ]; do
  case $1 in
  --device) device=${2:?} ;;
  --out) out=${2:?} ;;
  --limit) limit=${2:?} ;;
  --steps) steps=${2:?} ;;
  --step) step=${2:?} ;; # how this script calls itself
  *)
    sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
  esac
  shift 2
done
case $device in
cuda:[0-9]*) ordinal=${device#cuda:} ;;
*)
  echo "run.sh: --device $device: want cuda:N" >&2
  exit 2
  ;;
esac
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
cd "$here" || exit 2
commit=$(cat COMMIT)

gpu_test() { ./cgo.test -gpu "$ordinal" -test.timeout 10m -test.v "$@" 2>&1 | summed; }

# summed shows what tests say and counts those that pass instead of naming them.
summed() {
  awk '/^ *--- PASS/ {passed++; next} /^ *--- FAIL/ {failed++} /^ *--- SKIP/ {skipped++} /^=== / {next} {print}
    END {print passed + 0 " passed, " failed + 0 " failed, " skipped + 0 " skipped"}'
}

run_device() { ./bench -device "$device" -quick -only copy -results "" -commit "$commit"; }
run_doctor() {
  ./verifyd doctor --device "$device" -o json >"$out/doctor.json"
  local code=$?
  sed -n 's/^ *"\(cuda:.* computes .*\|cuda:.* failed: .*\|cpu .* computes .*\)",\{0,1\}$/\1/p' "$out/doctor.json"
  [ "$code" = 0 ] && echo "every device is right"
  return "$code"
}
run_golden() { gpu_test -test.run 'TestTheGPUGivesTheGoldenVectors'; }
run_operators() { gpu_test -test.run 'TestTheGPUGivesTheBytesOfTheReference|TestTheGPUReplays'; }
run_train() { gpu_test -test.run 'TestTheGPUTrains' -steps 300; }
run_faults() { gpu_test -test.run GPU -test.skip 'TestTheGPU(GivesTheGolden|GivesTheBytes|Replays|Trains)'; }
run_bench() { ./bench -device "$device" -results "$out" -name gpu -commit "$commit"; }
run_mumax() { ./mumax -device "$ordinal" -out "$out/mumax.json"; }

# run_demo trains and judges on both devices, then has each judge what the other trained. Only the lines that name a
# device may differ, and a verdict that one device finds the other must find too.
run_demo() {
  local work bundles=0 wrong=0 one name
  work=$(mktemp -d) || return 1
  trap 'rm -rf "$work"' RETURN
  for one in "$device" cpu; do
    ./verifyd demo --device "$one" --out "$work/$one" -o json >"$work/$one.json" || return 1
    grep -c '"outcome": "FAIL"' "$work/$one.json" | sed "s/^/demo on $one: forgeries found, times: /"
  done
  for bundle in "$work"/*/*/bundle "$work"/*/forged/*; do
    bundles=$((bundles + 1))
    name=${bundle#"$work"/}
    for one in "$device" cpu; do
      ./verifyd verify "$bundle" --operator "${work}/${name%%/*}/keys/operator.pem.pub" --device "$one" -o json >"$work/verdict" 2>"$work/errors"
      echo "exit code $?" >>"$work/verdict"
      grep -vE '^ *"(device|confirmed)":' "$work/verdict" >"$work/verdict.$one"
    done
    if ! grep -q '"evidence"' "$work/verdict.cpu" || ! diff "$work/verdict.$device" "$work/verdict.cpu"; then
      wrong=$((wrong + 1))
      echo "$name: other evidence on $device than on the CPU"
      cat "$work/errors"
    fi
  done
  echo "$((bundles - wrong)) of $bundles claims have the same evidence on $device and on the CPU"
  [ "$bundles" -gt 3 ] && [ "$wrong" = 0 ]
}

if [ -n "$step" ]; then
  "run_$step"
  exit
fi

limit_of() {
  case $1 in
  device) echo 60 ;;
  golden) echo 60 ;;
  doctor | demo | mumax) echo 90 ;;
  faults) echo 120 ;;
  operators | train) echo 150 ;;
  bench) echo 300 ;;
  esac
}

# quoted is a text as JSON has it.
quoted() { printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g')"; }

sha256sum --check --quiet SHA256SUMS >"$out/log.txt" 2>&1 || {
  cat "$out/log.txt"
  echo "run.sh: the bundle is damaged" >&2
  exit 1
}
rm -f "$out"/{doctor,gpu,mumax,results}.json
began=$(date -u +%Y-%m-%dT%H:%M:%SZ)
gpu=unknown
failed=0
no_gpu=
rows=
json=
for name in $steps; do
  left=$((limit - SECONDS - 22)) # what a step that does not end in time, and the end, need
  most=$(limit_of "$name")
  if [ -z "$most" ]; then
    echo "run.sh: no step $name" >&2
    exit 2
  fi
  start=$SECONDS
  code=0
  if [ -n "$no_gpu" ]; then
    result="not run" note="there is no GPU to run it on"
  elif [ $left -lt 5 ]; then
    result="not run" note="no time was left of $limit s"
  else
    printf '%-10s ' "$name"
    echo "== $name" >>"$out/log.txt"
    timeout --signal=INT --kill-after=20 $((most < left ? most : left)) "$BASH" "$here/run.sh" --step "$name" --device "$device" --out "$out" >"$out/step.txt" 2>&1 </dev/null
    code=$?
    cat "$out/step.txt" >>"$out/log.txt"
    note=$(grep -v '^$' "$out/step.txt" | tail -n 1 | cut -c1-100)
    case $code in
    0) result=passed ;;
    124 | 137) result=FAILED note="stopped after $((SECONDS - start)) s: $note" ;;
    *) result=FAILED ;;
    esac
    if [ "$name" = device ]; then
      if [ $code = 0 ]; then
        gpu=$(sed -n 's/, beside .*//p' "$out/step.txt" | head -n 1)
        note=$gpu
      else
        no_gpu=yes
      fi
    fi
    if [ "$name" = bench ] && [ $code = 0 ]; then
      note="$(grep -c ': met' "$out/step.txt") rows reach what is asked, $(grep -c 'not met' "$out/step.txt") do not"
    fi
    echo "$result, $((SECONDS - start)) s: $note"
  fi
  [ "$result" = passed ] || failed=1
  rows+="$(printf '%-10s  %-8s  %4d s  %s' "$name" "$result" $((SECONDS - start)) "$note")"$'\n'
  json+="$(printf '%s\n    {"step": "%s", "result": "%s", "exit": %d, "seconds": %d, "note": %s}' "${json:+,}" "$name" "$result" $code $((SECONDS - start)) "$(quoted "$note")")"
done
rm -f "$out/step.txt"

cat >"$out/results.json" <<JSON
{
  "device": $(quoted "$gpu"),
  "commit": "$commit",
  "date": "$began",
  "system": $(quoted "$(uname -srm)"),
  "seconds": $SECONDS,
  "steps": [$json
  ]
}
JSON
{
  echo
  echo "verifyd $commit on $gpu, $began"
  echo
  printf '%-10s  %-8s  %6s  %s\n' STEP RESULT TIME NOTE
  printf '%s' "$rows"
  if [ -n "$no_gpu" ]; then
    echo
    echo "There is no GPU that can be used; the CPU serves. The first line above says why."
  fi
} >"$out/table.txt"
[ ! -f "$out/gpu.json" ] || { echo && ./bench -print "$out/gpu.json"; } >>"$out/table.txt"
cat "$out/table.txt"
exit $failed
