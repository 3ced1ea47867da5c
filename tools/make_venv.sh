#!/bin/sh
# make_venv.sh FOLDER [PYTHON]: a virtual environment by the first suitable Python (3.11 or newer, with venv).
set -eu
folder=$1
shift

suitable() {
    # A pyenv shim exists for versions that are not switched on: only running it tells.
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] < (3, 11))' >/dev/null 2>&1
}

describe() {
    command -v "$1" >/dev/null 2>&1 || { echo "  $1: not found"; return; }
    version=$("$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || { echo "  $1: does not run"; return; }
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 || { echo "  $1: $version, but without venv (Debian: apt install python3-venv)"; return; }
    echo "  $1: $version"
}

candidates=${*:-python3.13 python3.12 python3.11 python3 python}
for python in $candidates; do
    if suitable "$python"; then
        echo "Making $folder with $("$python" --version 2>&1)"
        exec "$python" -m venv --clear "$folder"
    fi
done

{
    echo "Genlock needs Python 3.11 or newer with its venv module. Found:"
    for python in $candidates; do describe "$python"; done
    echo "Install one, or name it: make ... PYTHON=/path/to/python3"
} >&2
exit 1
