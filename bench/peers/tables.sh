#!/usr/bin/env bash
# Compares values of data sets that ship with scikit-learn and statsmodels: among CSV, Parquet and NPY, and with values that
# Python enumerates. Installs what that needs, pinned, into build/tables, once. It needs Python 3.11 with venv, and build/verifyd.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! cmp -s bench/peers/tables.txt build/tables/done; then
  python3 -m venv --clear build/tables
  build/tables/bin/pip install --quiet --no-deps -r bench/peers/tables.txt
  cp bench/peers/tables.txt build/tables/done
fi
OMP_NUM_THREADS=2 build/tables/bin/python bench/peers/tables.py build/verifyd
