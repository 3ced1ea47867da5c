"""What comes with the package names no folder of the machine that it was made on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import genlock

WEIGHTS = sorted((Path(genlock.__file__).parent / "weights").glob("*/*.npz"))


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.parent.name)
def test_no_header_holds_an_absolute_path(path: Path) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        header = bytes(arrays["header"]).decode() if "header" in arrays else ""
    assert not re.findall(r'(?:"|=)(?:/|[A-Z]:\\)[^"]*', header)
