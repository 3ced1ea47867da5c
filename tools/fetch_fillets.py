"""Fetch the spoken lines of the game Fish Fillets (GPL-2, Czech or Dutch actors) with their texts into a folder.

They come from Debian packages, by Debian's own tools (``apt-get download``, ``dpkg``). ``transcripts.tsv`` is written
beside the sounds.

    python tools/fetch_fillets.py FOLDER LANGUAGE    LANGUAGE: cs, nl
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LANGUAGES = ("cs", "nl")


def main() -> None:
    """Fetch, unpack, write the texts."""
    if len(sys.argv) != 3 or sys.argv[2] not in LANGUAGES:
        sys.exit(__doc__)
    target, language = Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        packages = ["fillets-ng-data", f"fillets-ng-data-{language}"]
        subprocess.run(["apt-get", "download", *packages], cwd=where, check=True)
        for package in where.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, where / "x"], check=True)
        game = where / "x" / "usr" / "share" / "games" / "fillets-ng"
        target.mkdir(parents=True, exist_ok=True)
        rows = []
        for script in sorted(game.glob(f"script/*/dialogs_{language}.lua")):
            for name, text in read_lines(script.read_text(encoding="utf-8")):
                sound = game / "sound" / script.parent.name / language / f"{name}.ogg"
                if sound.is_file():
                    own = f"{script.parent.name}-{name}"
                    shutil.copyfile(sound, target / f"{own}.ogg")
                    rows.append(f"{own}\t{text}\n")
    (target / "transcripts.tsv").write_text("".join(rows), encoding="utf-8")
    print(f"{len(rows)} lines with a text, in {target}")


def read_lines(script: str) -> list[tuple[str, str]]:
    """Name and text of each line of a script."""
    pairs = re.findall(r'dialogId\("([^"]+)"[^\n]*\)\s*\n\s*dialogStr\("((?:[^"\\]|\\.)*)"\)', script)
    return [(name, re.sub(r"\\(.)", r"\1", text)) for name, text in pairs]


if __name__ == "__main__":
    main()
