"""Fetch the Asterisk prompts (568 of one speaker, 25 minutes, CC-BY-SA-3.0) with their texts into a folder.

They come from two Debian packages, by Debian's own tools (``apt-get download``, ``dpkg -x``). The G.722 files
stay as they are; ``transcripts.tsv`` is written beside them.

    python tools/fetch_asterisk.py FOLDER [LANGUAGE]    LANGUAGE: en (the default), es, fr, it, ru
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LANGUAGES = ("en", "es", "fr", "it", "ru")


def main() -> None:
    """Fetch, unpack, write the texts."""
    language = sys.argv[2] if len(sys.argv) == 3 else LANGUAGES[0]
    if len(sys.argv) not in (2, 3) or language not in LANGUAGES:
        sys.exit(__doc__)
    target, name = Path(sys.argv[1]), f"asterisk-core-sounds-{language}"
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        subprocess.run(["apt-get", "download", f"{name}-g722", name], cwd=where, check=True)
        for package in where.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, where / "x"], check=True)
        texts = read_texts(next(where.rglob(f"core-sounds-{language}.txt.gz")))
        root = next(where.rglob(f"{language}_[A-Z][A-Z]_*"))
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
