"""Films of one's own under class names of one's own: prepared, learnt from and sounded by commands alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.foley.strikes import contacts, stick_film

from genlock.cli import main
from genlock.media import Sound, encode
from genlock.media.add_sound import write_with_sound
from genlock.models.foley.writer import load_writer

CLASSES = ("my dog", "Türklinke")


def film_with_sound(folder: Path, number: int) -> None:
    """A stick that strikes, and a click where it does; nobody says when that is."""
    folder.mkdir(parents=True, exist_ok=True)
    hits = contacts(3, number)
    silent = stick_film(folder / "silent.mp4", 25, hits, seed=number)
    sound = np.random.default_rng(number).normal(0, 1e-3, round(24000 * (hits[-1] + 1)))
    for at in hits:
        first, ring = round(at * 24000), np.arange(2400) / 24000
        sound[first : first + 2400] += 0.3 * np.exp(-40 * ring) * np.sin(4000 * ring)
    encode(folder / "sound.wav", sound=Sound(sound, 24000))
    write_with_sound(
        silent, folder / f"{number}.mp4", folder / f"{number}.mp4", folder / "sound.wav", 0, None
    )
    silent.unlink()
    (folder / "sound.wav").unlink()


@pytest.mark.slow
def test_a_shipped_writer_learns_classes_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        film_with_sound(tmp_path / "films" / CLASSES[number % 2], number)
    films, dataset, run = (str(tmp_path / name) for name in ("films", "dataset", "run"))
    assert main(["prepare", films, "-o", dataset, "--recipe", "sound", "--outputs", "sound@24000"]) == 0
    said = [
        "train",
        "writer",
        dataset,
        "-o",
        run,
        "--from",
        "foley-writer",
        "--classes",
        "--finder",
        "motion",
    ]
    assert main([*said, "--steps", "2", "--batch", "2", "--columns", "32", "--heard", "0"]) == 0
    shipped, writer = load_writer(), load_writer(run)
    assert writer.classes == tuple(sorted(CLASSES))
    assert writer.channels == shipped.channels  # nothing is forgotten
    assert writer.means == shipped.means
    (tmp_path / "hits.csv").write_text("time,impulse\n1/2,1\n")
    capsys.readouterr()
    film, table = str(next((tmp_path / "films").rglob("*.mp4"))), str(tmp_path / "hits.csv")
    sounded = ["sound", film, "--model", f"writer:{run}", "--class", "my dog", "--events-from", table]
    assert main([*sounded, "-o", str(tmp_path / "out.wav"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "writer"
    assert (
        main(["sound", film, "--model", f"writer:{run}", "--class", "cat", "-o", str(tmp_path / "b.wav")])
        != 0
    )
    assert "Türklinke, my dog" in capsys.readouterr().err
