#!/bin/sh
# test_core.sh PYTHON: the core's tests with another Python, in .venv-X.Y of its own, from the same pins.
set -eu
version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
folder=.venv-$version
stamp=$folder/.installed

[ -x "$folder/bin/python" ] || sh tools/make_venv.sh "$folder" "$1"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints.txt -nt "$stamp" ]; then
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
        --editable . pytest pytest-timeout pytest-xdist hypothesis
    touch "$stamp"
fi
echo "== the core on Python $version"
# The properties were searched at length by make test; here it is the language that differs.
HYPOTHESIS_PROFILE=${HYPOTHESIS_PROFILE:-quick} exec "$folder/bin/python" -m pytest -q -n 2 -m "not slow" tests/core src/genlock/core
