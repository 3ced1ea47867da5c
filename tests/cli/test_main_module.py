"""``python -m genlock`` is the command."""

from __future__ import annotations

import subprocess
import sys


def test_python_m_genlock_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genlock", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("genlock ")
