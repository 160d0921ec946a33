#!/usr/bin/env bash
# Make .venv and install into it what the lock lists, hashes checked, then the package itself.
# Needs Python 3.11 or newer with either uv, or venv (ensurepip), or pip >= 22.3.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=.venv
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "purpose-agent needs Python 3.11 or newer; $python is $("$python" -V 2>&1). Try: make setup PYTHON=python3.11" >&2
  exit 1
}

if command -v uv >/dev/null; then
  [ -x $venv/bin/python ] || uv venv --quiet --python "$(command -v "$python")" $venv
  uv pip install --quiet --python $venv/bin/python --require-hashes -r requirements/dev.txt
  uv pip install --quiet --python $venv/bin/python --no-deps --no-build-isolation -e .
else
  if [ ! -x $venv/bin/python ]; then
    if "$python" -c 'import ensurepip' 2>/dev/null; then
      "$python" -m venv $venv
    else # Debian without python3-venv: the pip outside installs the locked pip inside
      "$python" -m venv --without-pip $venv
      "$python" -m pip --python $venv/bin/python install --quiet --require-hashes -r requirements/build.txt
    fi
  fi
  pip="$venv/bin/python -m pip --disable-pip-version-check install --quiet"
  $pip --require-hashes -r requirements/build.txt # a current pip, and the build backend
  $pip --require-hashes -r requirements/dev.txt
  $pip --no-deps --no-build-isolation -e .
fi
$venv/bin/python -c 'import purpose_agent'
touch $venv/.setup-done
