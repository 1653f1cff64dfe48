#!/usr/bin/env bash
# Installs the current PyTorch, a peer of `make bench`, into build/torch, once: about a minute and 1.4 GB. It needs python3-venv,
# gcc and binutils (Debian). The wheel wants 3 GB of CUDA libraries to load; empty ones do where there is no GPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -e build/torch/done ] && cmp -s bench/peers/torch.txt build/torch/done && exit
rm -rf build/torch
/usr/bin/python3 -m venv build/torch
build/torch/bin/pip install --quiet --no-deps -r bench/peers/torch.txt
lib=$(echo build/torch/lib/python3*/site-packages/torch/lib)
build/torch/bin/python bench/peers/cuda_stubs.py "$lib" build/torch/stubs
LD_LIBRARY_PATH=build/torch/stubs build/torch/bin/python -c 'import torch; print("PyTorch", torch.__version__)'
cp bench/peers/torch.txt build/torch/done
