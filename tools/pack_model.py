"""Make a trained model ready for the package: its weights in half precision, and its lines for the table.

    python tools/pack_model.py RUN/model src/genlock/weights/NAME

Copies what genlock and transformers read, halves what is stored, and prints the ``files`` of the model for
``src/genlock/weights/table.toml``. The model card is written by hand and stays.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from genlock.core.files import sha256_of

WEIGHTS = "model.safetensors"
#: What is read beside the weights; the record of the training stays in the run.
KEPT = ("config.json", "preprocessor_config.json", "tokenizer_config.json", "vocab.json", "genlock.json")


def main() -> int:
    """Pack one model."""
    if len(sys.argv) != 3 or not (Path(sys.argv[1]) / WEIGHTS).is_file():
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    source, target = map(Path, sys.argv[1:])
    weights = load_file(source / WEIGHTS)
    largest = max(float(value.abs().max()) for value in weights.values())
    if largest > torch.finfo(torch.float16).max:
        print(f"a weight of {largest:g} does not fit half precision; ship it in full", file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    # Counts (of batches that a norm has seen) stay whole numbers.
    halved = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    save_file(halved, target / WEIGHTS, {"format": "pt"})
    (target / WEIGHTS).chmod(0o644)  # safetensors makes files that only their owner can read
    for name in KEPT:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    print(f"# {sum(value.numel() for value in weights.values())} weights, the largest {largest:.3g}")
    print("files = [")
    for path in sorted(p for p in target.iterdir() if p.name in (WEIGHTS, *KEPT)):
        size = path.stat().st_size
        print(f'    {{ path = "{path.name}", size_bytes = {size}, sha256 = "{sha256_of(path)}" }},')
    print("]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
