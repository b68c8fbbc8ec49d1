#!/usr/bin/env bash
#
# Measures the project's figures (benchmarks/README.md): all, or those that are named.
#
#   benchmarks/run.sh [losses] [gradients] [identity] [memory] [compiling] [speed] [fidelity] [mutants]
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/setup.sh --torch
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
cmake --preset release >/dev/null
cmake --build --preset release --target spillwayc spillway-run spillway-mutate
exec .venv/bin/python benchmarks/figures.py "$@"
