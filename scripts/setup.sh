#!/usr/bin/env bash
#
# Installs what building, testing and the demo need and is missing; a second run
# changes nothing. For Debian 12, as root or through sudo.
#
#   scripts/setup.sh            the Debian packages, and .venv with the Python packages
#   scripts/setup.sh --torch    PyTorch as well, which some tests compare with; where it
#                               cannot be had this warns, and those tests are skipped
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

torch=no
case "${1-}" in
  '') ;;
  --torch) torch=yes ;;
  *) echo "usage: scripts/setup.sh [--torch]" >&2; exit 2 ;;
esac

# Reads a list, one a line, with comments.
list() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

missing=()
for package in $(list scripts/packages.txt); do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  as_root=()
  if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "error: need root or sudo to install: ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0)
  "${apt[@]}" update
  "${apt[@]}" install --no-install-recommends "${missing[@]}"
fi

# Debian's own Python, whatever else is first in PATH.
[[ -x .venv/bin/python ]] || /usr/bin/python3 -m venv .venv
# What is installed is remembered by content, so that a second run needs no network.
if ! cmp -s scripts/requirements.txt .venv/requirements.txt; then
  echo "setup: installing Python packages into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
  cp scripts/requirements.txt .venv/requirements.txt
fi
if [[ $torch == yes ]] && ! .venv/bin/python -c 'import torch' 2>/dev/null; then
  echo "setup: installing PyTorch into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 ||
    echo "warning: PyTorch could not be installed; the tests that need it will be skipped" >&2
fi
echo "setup: done"
