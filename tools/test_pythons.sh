#!/bin/sh
# test_pythons.sh PYTHON: test_core.sh on every Python newer than PYTHON that is at hand (PATH and pyenv).
set -eu
own=$("$1" -c 'import sys; print(sys.version_info[1])')
for minor in 12 13 14; do
    [ "$minor" -gt "$own" ] || continue
    found=
    for python in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
        if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then found=$python; break; fi
    done
    if [ -n "$found" ]; then sh tools/test_core.sh "$found"; else echo "== no Python 3.$minor at hand: not tested"; fi
done
