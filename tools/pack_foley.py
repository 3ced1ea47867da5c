"""Put what `make foley` trained into the package: weights in half precision, cards, and the lines of the table.

    python tools/pack_foley.py FOLDER [NAME ...]

FOLDER is that of `make foley`; NAMEs are among codec, vocoder, contacts, materials, touches, writer (all). A writer
names the codec and the vocoder of the package instead of those that lay beside it. Cards are those that the training
wrote; what was measured afterwards is added to them by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.files import sha256_of, write_text
from genlock.weights.npz_model import write_model

ROOT = Path(__file__).parents[1]
NAMES = ("codec", "vocoder", "contacts", "materials", "touches", "writer")
WEIGHTS = ROOT / "src/genlock/weights"


def at_home(told: Any, folder: Path) -> Any:
    """What a header says, with the names of the package for what lay in the folder."""
    if isinstance(told, Mapping):
        return {key: at_home(value, folder) for key, value in told.items()}
    if isinstance(told, list):
        return [at_home(value, folder) for value in told]
    return told.replace(f"{folder}/", "foley-") if isinstance(told, str) else told


def pack(folder: Path, name: str) -> None:
    """One model: its file, its card, its line."""
    source, target = folder / name, WEIGHTS / f"foley-{name}"
    with np.load(source / "model.npz", allow_pickle=False) as found:
        arrays = {key: found[key] for key in found.files if key != "header"}
        header = json.loads(bytes(found["header"]))
    largest = max(float(np.abs(array).max(initial=0)) for array in arrays.values())
    for other in ("codec", "vocoder"):
        if str(header.get(other, "")).endswith(".npz"):
            header[other] = f"foley-{other}"
    header = at_home(header, folder)
    kind = header.pop("kind")
    header.pop("genlock_schema")
    write_model(target / "model.npz", kind, header, arrays, half=largest < np.finfo(np.float16).max)
    card = (source / "MODEL_CARD.md").read_text("utf-8")
    write_text(target / "MODEL_CARD.md", card.replace(f"{folder}/", "FOLDER/"))
    size, sha = (target / "model.npz").stat().st_size, sha256_of(target / "model.npz")
    line = f'{{ path = "model.npz", size_bytes = {size}, sha256 = "{sha}" }}'
    table = (WEIGHTS / "table.toml").read_text("utf-8")
    known = re.compile(rf"(\[model\.foley-{name}\].*?files = \[\n    )\{{[^}}]*\}}", re.DOTALL)
    write_text(WEIGHTS / "table.toml", known.sub(lambda m: m.group(1) + line, table, count=1))
    print(f"foley-{name}: {size} bytes")


def main() -> int:
    """Pack what is named."""
    folder, *names = sys.argv[1:] or [""]
    if not folder or set(names) - set(NAMES):
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    for name in names or NAMES:
        pack(Path(folder), name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
