#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Compares toolkit/include/cuda.h with NVIDIA's own header: every prototype, type and value.
#
#	check-headers.sh FOLDER     a folder with NVIDIA's cuda.h, CUDA 12, such as /usr/local/cuda/include
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
nvidia=${1:?which folder has NVIDIA\'s cuda.h}

# Values by assertion, symbols by their use, and prototypes by declaring them again, which the compiler
# refuses if one differs.
{
  echo '#include <cuda.h>'
  sed -nE 's/^  (CU[A-Z0-9_]+) = ([0-9]+),$/_Static_assert(\1 == \2, "\1");/p;
           s/^#define (CU_MEM[A-Z_]+) ([0-9]+)$/_Static_assert(\1 == \2, "\1");/p' "$here/toolkit/include/cuda.h"
  echo "#include \"$here/toolkit/include/cuda_functions.h\""
  echo '#define USE(name, params, args) sizeof(&name),'
  echo 'size_t used[] = {CUDA_FUNCTIONS(USE)};'
  echo '#define DECLARE(name, params, args) CUresult name params;'
  echo 'CUDA_FUNCTIONS(DECLARE)'
} | "${CC:-cc}" -x c -fsyntax-only -I"$nvidia" -
count=$(grep -c '^  X(' "$here/toolkit/include/cuda_functions.h")
echo "as NVIDIA's: $count functions and $(grep -cE '^(  CU[A-Z0-9_]+ =|#define CU_MEM)' "$here/toolkit/include/cuda.h") values"
