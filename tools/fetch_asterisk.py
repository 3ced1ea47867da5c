"""Fetch the Asterisk prompts (568 of one speaker, 25 minutes, CC-BY-SA-3.0) with their texts into a folder.

They come from two Debian packages, by Debian's own tools (``apt-get download``, ``dpkg -x``). The G.722 files
stay as they are; ``transcripts.tsv`` is written beside them.

    python tools/fetch_asterisk.py FOLDER
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ("asterisk-core-sounds-en-g722", "asterisk-core-sounds-en")


def main() -> None:
    """Fetch, unpack, write the texts."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=where, check=True)
        for package in where.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, where / "x"], check=True)
        texts = read_texts(next(where.rglob("core-sounds-en.txt.gz")))
        root = next(where.rglob("en_US_f_Allison"))
        target.mkdir(parents=True, exist_ok=True)
        names = []
        for sound in sorted(root.rglob("*.g722")):
            name = sound.relative_to(root).with_suffix("").as_posix()
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sound, target / f"{name}.g722")
            names.append(name)
    lines = [f"{name}\t{texts[name]}\n" for name in names if name in texts]
    (target / "transcripts.tsv").write_text("".join(lines), encoding="utf-8")
    print(f"{len(names)} prompts, {len(lines)} with a text, in {target}")


def read_texts(path: Path) -> dict[str, str]:
    """Texts by prompt, of lines ``name: text``; lines that begin with a semicolon are comments."""
    rows = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
    pairs = (row.split(":", 1) for row in rows if ":" in row and not row.startswith(";"))
    return {name.strip(): text.strip() for name, text in pairs}


if __name__ == "__main__":
    main()
