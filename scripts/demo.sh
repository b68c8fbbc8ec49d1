#!/usr/bin/env bash
#
# The main job on a real model and real text: trains GPT-2 without a memory budget,
# then in 60 % and in 35 % of that memory, and shows that nothing but time and place
# changed. Installs and builds what is missing. Leaves its results in build/demo/.
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release --target spillwayc spillway-run
exec .venv/bin/python scripts/demo.py "$@"
