"""The engines that the talkers speak with, and how each comes onto this machine; run by ``fetch_voices.py --engines``.

Kokoro and its voices are models of the registry (Apache-2.0). VocalTractLab is a wheel that is unpacked into a folder
of its own beside them and never installed, because it is GPL-3: only a separate process loads it. flite (CMU's own
licence, free for any use) and espeak-ng (GPL-3) are packages of the system.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from genlock import weights
from genlock.core.errors import GenlockError
from genlock.synth.talkers.children import engine_folder
from genlock.synth.talkers.speaking import ENGINES

_VTL = "vocaltractlab-cython==0.0.17"
#: The wheels of VocalTractLab that were looked at, by the Python that they are for (Linux, x86-64).
_VTL_SHA256 = {
    "cp311": "32686bd7faab91693a333cb67af5852ee83990587670d270f6f50e998c00632a",
    "cp312": "b6a9e5ad7a42102075409633f498db7328043026163c381be66021432be93b27",
    "cp313": "066da8118409bebd72db53044c1fb961b69f30b80846339b5238ba73a4c350a9",
    "cp314": "733ca3f1a5d6e9207d9f31b05d176ea124a0473b37a304689f9ed03312ddd6d4",
}


class NotThere(Exception):
    """An engine cannot be had; the text says what to do."""


def fetch_engines(names: list[str]) -> int:
    """Fetch the engines of these names (none: all), and say of each what came of it; the number of failures."""
    known = {"kokoro": _kokoro, "vtl": _vtl, "flite": _system("flite"), "espeak-ng": _system("espeak-ng")}
    failures = 0
    for name in names or list(known):
        if name not in known:
            print(f"no engine is called {name!r}; there are {', '.join(known)}", file=sys.stderr)
            failures += 1
            continue
        try:
            known[name]()
        except (NotThere, GenlockError) as reason:
            print(f"left out {name}: {reason}", file=sys.stderr)
            failures += 1
            continue
        engine = next(each for each in ENGINES if each.name == name)
        said = (
            engine.missing() or f"here, {len(engine.voices())} voices; licence of its sound: {engine.licence}"
        )
        print(f"{name}: {said}")
    return failures


def _kokoro() -> None:
    for model in ("kokoro", "kokoro-voices"):
        print(weights.fetch(model))


def _vtl() -> None:
    target = engine_folder("vtl")
    if (target / "vocaltractlab_cython").is_dir():
        return
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    with tempfile.TemporaryDirectory() as where:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        done = subprocess.run([*command, "--dest", where, _VTL], capture_output=True, text=True, check=False)
        wheels = list(Path(where).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            raise NotThere(
                f"pip has no wheel of {_VTL} for this Python and system: {done.stderr.strip()[-200:]}"
            )
        digest = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
        if digest != _VTL_SHA256.get(python):
            raise NotThere(
                f"{wheels[0].name} has the SHA-256 {digest}, which tools/speech_engines.py does not know: look at the "
                "wheel, and add it there"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheels[0]) as archive, tempfile.TemporaryDirectory(dir=target.parent) as fresh:
            members = [name for name in archive.namelist() if name.startswith("vocaltractlab_cython")]
            archive.extractall(fresh, members)
            os.replace(fresh, target)
            os.mkdir(fresh)  # what the block takes away at its end


def _system(package: str) -> Callable[[], None]:
    """A package of the system: apt checks what it brings by its own signatures."""

    def install() -> None:
        engine = next(each for each in ENGINES if each.name == package)
        if engine.missing() is None:
            return
        program = shutil.which("apt-get")
        if program is None or os.geteuid() != 0:
            raise NotThere(f"install the package {package} of your system: sudo apt-get install {package}")
        command = [program, "install", "-y", "--no-install-recommends", package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotThere(
                f"apt-get cannot install {package}: run apt-get update; {done.stderr.strip()[-200:]}"
            )

    return install
