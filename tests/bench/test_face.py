"""``genlock bench face`` on two films whose faces are known: the truth is perfect, a still face moves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.animation import standin

from genlock.bench.face import FaceBenchOptions, bench_face
from genlock.bench.face_clips import read_face_clip
from genlock.bench.face_lips import FILM, LipsCase, LipsReader, lips_rows, texts_of
from genlock.bench.figures import table_text
from genlock.core.errors import InputError, OptionError
from genlock.models.talker.talker import save_talker
from genlock.synth.talkers.plans import TalkerOptions
from genlock.synth.talkers.world import make_talkers


@pytest.mark.slow
def test_every_system_and_control_is_told(tmp_path: Path) -> None:
    talker = tmp_path / "standin.npz"
    save_talker(standin.stand_in(), talker)
    films = tmp_path / "films"
    make_talkers(films, TalkerOptions(count=2, rates=("25",), difficulty=0.2))
    bench = bench_face(films, FaceBenchOptions(model=str(talker), sync=False), tmp_path / "run.json")
    text = table_text(bench.table)
    for name in ("truth", "mean face", "RMS line", "truth + 40 ms", "truth + 160 ms", "another utterance"):
        assert name in text
    figures = {row.system: row.figures for row in bench.table if row.protocol == "over clips"}
    assert figures["truth"]["mouth LMD"].value == pytest.approx(0, abs=1e-9)
    assert figures["mean face"]["energy"].value < 0.05
    assert figures["truth + 40 ms"]["lag ms"].value == pytest.approx(40, abs=8)
    assert figures["truth + 40 ms"]["aperture r"].value > figures["truth + 160 ms"]["aperture r"].value
    assert figures["mean face"]["below mean"].value == pytest.approx(0, abs=1e-6)
    assert figures["truth"]["below speaker's mean"].value == pytest.approx(1)
    # Who knows the clip is nearer to it than who knows the speaker: shares below the first are the smaller ones.
    assert (
        figures["truth + 40 ms"]["below mean"].value <= figures["truth + 40 ms"]["below speaker's mean"].value
    )
    assert (tmp_path / "run.json").is_file()


def test_a_folder_without_a_face_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        bench_face(tmp_path, FaceBenchOptions(sync=False))


def test_lips_are_read_off_a_persons_own_picture_that_moves(tmp_path: Path) -> None:
    """What is drawn opens when the mesh does, and lies still when it does."""
    make_talkers(tmp_path, TalkerOptions(count=1, rates=("12",), sizes=("128x128",), difficulty=0.0, rooms=0))
    clip = read_face_clip(tmp_path / "000000.mp4")
    assert texts_of(tmp_path, "talkers") == {
        str((tmp_path / "000000.mp4").resolve()): (tmp_path / "000000.txt").read_text().strip()
    }
    reader = LipsReader("avsr:avsr-nano")
    still = clip.motion.points.map(lambda values: np.repeat(clip.motion.neutral[None], len(values), axis=0))
    mouths = reader._drawn(clip, {"truth": clip.motion.points, "mean face": still})
    moved, rests = (np.asarray(mouths[name].values, np.float32) for name in ("truth", "mean face"))
    assert rests[1:].std(axis=0).max() < 3
    # The wider the mouth opens, the less it looks like the one at rest.
    opening = clip.motion.aperture.on(mouths["truth"].grid, "nearest", length=len(moved))
    use = opening.valid & mouths["truth"].valid
    apart = np.abs(moved - rests[len(rests) // 2])[:, 24:72, 24:72].mean(axis=(1, 2))
    assert np.corrcoef(apart[use], np.asarray(opening.values)[use])[0, 1] > 0.7
    cases = reader.read(clip, "bin blue", {"mean face": still})
    assert [case.system for case in cases] == [FILM, "mean face"]
    with pytest.raises(OptionError, match="avsr:FOLDER"):
        LipsReader("avsr-nano")


def test_what_is_read_is_counted_beside_guesses() -> None:
    said = {"a": "set red now", "b": "lay blue now"}
    cases = [LipsCase(clip, FILM, text, text) for clip, text in said.items()]
    cases += [LipsCase(clip, "talker", text, text.replace("red", "bed")) for clip, text in said.items()]
    rows = {row.system: row.figures for row in lips_rows(cases, "nano", 0)}
    assert rows[FILM]["WER"].value == 0
    assert rows["talker"]["WER"].value == pytest.approx(1 / 6)
    assert rows["talker"]["CER"].value == pytest.approx(1 / 23)
    assert rows["talker"]["WER to film's"].value == pytest.approx(1 / 6)
    assert rows["another clip's text"]["WER"].value == pytest.approx(4 / 6)
    assert lips_rows([], "nano", 0) == []
