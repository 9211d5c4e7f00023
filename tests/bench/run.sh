#!/bin/sh
# tests/bench/run.sh BUILD PYTHON [BENCH OPTIONS] - times the built library against numpy, PyTorch (2.13, CPU) and transformers, which go into a
# virtual environment under BUILD: they serve comparisons only. Set BENCH_PYTHON to use an environment that has them already;
# BENCH_LARGE=1 for matrices that take minutes and 2.6 GB of disk.
set -eu
build=$1
python=$2
shift 2
if [ -z "${BENCH_PYTHON:-}" ]; then
    BENCH_PYTHON=$build/bench-venv/bin/python
    [ -x "$BENCH_PYTHON" ] || "$python" -m venv "$build/bench-venv"
    "$BENCH_PYTHON" -c 'import numpy' 2>/dev/null || "$BENCH_PYTHON" -m pip install -q numpy
    "$BENCH_PYTHON" -c 'import torch' 2>/dev/null || "$BENCH_PYTHON" -m pip install -q torch==2.13.0 ||
        echo 'PyTorch could not be installed: compared with numpy alone'
    "$BENCH_PYTHON" -c 'import scipy' 2>/dev/null || "$BENCH_PYTHON" -m pip install -q scipy ||
        echo 'scipy could not be installed: n-grams are not compared'
    "$BENCH_PYTHON" -c 'import transformers' 2>/dev/null || "$BENCH_PYTHON" -m pip install -q transformers ||
        echo 'transformers could not be installed: models are not compared'
    "$BENCH_PYTHON" -c 'import primme' 2>/dev/null || "$BENCH_PYTHON" -m pip install -q primme ||
        echo 'primme could not be installed: largest triplets are not compared with it'
    "$BENCH_PYTHON" -c 'import sklearn' 2>/dev/null || "$BENCH_PYTHON" -m pip install -q scikit-learn ||
        echo 'scikit-learn could not be installed: largest triplets are not compared with it'
fi
mkdir -p "$build/bench"
# shellcheck disable=SC2046
${CC:-cc} -O2 -std=c11 -D_POSIX_C_SOURCE=200809L tests/bench/floor.c -o "$build/bench/floor" $(pkg-config --cflags --libs openblas lapacke)
export SOFTNECK_LIBRARY="$build/lib/libsoftneck.so" PYTHONPATH=lib/python
"$BENCH_PYTHON" tests/bench/bench.py "$build/bench/floor" "$@"
"$BENCH_PYTHON" tests/bench/bench_models.py "$build/bench/floor"
"$BENCH_PYTHON" tests/bench/bench_heads.py "$build/bench/floor"
"$BENCH_PYTHON" tests/bench/bench_training.py "$build/bench/floor"
"$BENCH_PYTHON" tests/bench/bench_ngram.py "$build/bench/floor"
"$BENCH_PYTHON" tests/bench/bench_ngram_spectra.py "$build/bench/floor"
"$BENCH_PYTHON" tests/bench/bench_truncated.py "$build/bench/floor" ${BENCH_LARGE:+--large --limit 600}
