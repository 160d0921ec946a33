#!/usr/bin/env bash
# Resolve pyproject.toml into uv.lock, and write the same set as hash-locked lists that plain pip reads.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v uv >/dev/null || { echo "make lock needs uv: see https://docs.astral.sh/uv/" >&2; exit 1; }
uv lock
export_to() {
  local file=$1
  shift
  uv export --quiet --locked --format requirements-txt --no-emit-project --no-header "$@" --output-file "$file" >/dev/null
}
mkdir -p requirements
export_to requirements/build.txt --only-group build
export_to requirements/dev.txt --all-extras --group dev --group build
export_to requirements/bench.txt --only-group bench

# A lock that names a mirror works for nobody else.
if grep -ohE '(https?|file)://[^/"]*' uv.lock requirements/*.txt | grep -vxE 'https://(pypi\.org|files\.pythonhosted\.org)'; then
  echo "The lock names the hosts above; only pypi.org and files.pythonhosted.org may be in it." >&2
  exit 1
fi
