"""Print the newest set of versions that pyproject.toml allows, as constraints.txt wants it.

Run by ``make constraints``; read what changed before committing it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

EXTRAS = ".[all,dev,release]"
# torch's newest build need not have a CPU wheel everywhere: moved by hand only.
BY_HAND = ["torch==2.13.0"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--report", str(report), *BY_HAND, "--editable", EXTRAS], check=True)
        found = json.loads(report.read_text())["install"]
    pins = {entry["metadata"]["name"]: entry["metadata"]["version"].split("+")[0] for entry in found}
    pins.pop("genlock")
    print("# Every version that set-up installs, all extras. Made by: make constraints")
    for name in sorted(pins, key=str.lower):
        print(f"{name}=={pins[name]}")


if __name__ == "__main__":
    main()
