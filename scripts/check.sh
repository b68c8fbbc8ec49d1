#!/usr/bin/env bash
#
# Installs what is missing, builds, and runs every test: lit, GoogleTest, pytest.
# The last line is `N passed, N failed`; the exit status is 0 only if none failed.
#
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A step that fails is a failed suite: nothing after it could run.
step() {
  echo "== $*"
  "$@" && return
  echo "error: '$*' failed" >&2
  echo "0 passed, 1 failed"
  exit 1
}
step bash scripts/setup.sh --torch
step cmake --preset release
step cmake --build --preset release
exec .venv/bin/python scripts/run_tests.py build
