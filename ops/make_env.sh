#!/bin/sh
# Makes the locked environment. One clear sentence and exit code 2 where something is missing.
set -u
python=$1 venv=$2

fail() { echo "assay: $1" >&2; exit 2; }

[ -n "$python" ] || fail "Python 3.11 was not found: install it, or run make PYTHON=/path/to/python3.11"
command -v "$python" >/dev/null 2>&1 || fail "$python was not found: run make PYTHON=/path/to/python3.11"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || fail "$("$python" --version 2>&1) is too old: Assay needs Python 3.11 or newer (make PYTHON=/path/to/python3.11)"
"$python" -c 'import ensurepip, venv' 2>/dev/null \
  || fail "$python has no venv module: install it (Debian: apt-get install python3-venv)"
[ -w . ] || fail "$(pwd) is not writable: the environment is made in it"

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
  echo "assay: making $venv"
  "$python" -m venv --clear "$venv" || fail "the environment $venv could not be made"
fi
echo "assay: installing the locked packages"
"$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-input \
  --require-hashes -r requirements-dev.lock \
  || fail "the locked packages could not be installed: is the package registry reachable?"
touch "$venv/.ready"
