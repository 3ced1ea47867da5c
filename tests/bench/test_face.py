"""``genlock bench face`` on two films whose faces are known: the truth is perfect, a still face moves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.animation import standin

from genlock.bench.face import FaceBenchOptions, bench_face
from genlock.bench.figures import table_text
from genlock.core.errors import InputError
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
