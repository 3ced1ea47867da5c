"""The face nets run once a frame, whatever is asked of the faces, and by whomever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.data.ledger import Item
from genlock.data.one_source import Plan, make_clips
from genlock.media import ReadOptions
from genlock.models.face_nets import FaceMesh
from genlock.tasks.align_video import AlignOptions, align_video
from genlock.tasks.extract_features import FeatureOptions, extract_features
from genlock.weights import registry

pytestmark = pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("mediapipe-face-detection") is None,
    reason="the face models are not here: genlock models fetch",
)
FRAMES = 75


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each run of the mesh."""
    found, points = list[int](), FaceMesh.points

    def counted(self: FaceMesh, *arguments: Any) -> Any:
        found.append(len(found))
        return points(self, *arguments)

    monkeypatch.setattr(FaceMesh, "points", counted)
    return found


@pytest.fixture
def clip(shared_data: Path) -> Path:
    """One person in every frame, followed from the first to the last: one run of the mesh a frame."""
    return shared_data / "grid_s1" / "video" / "bbaf2n.mpg"


def test_prepare_looks_once_for_offset_and_mouths(clip: Path, tmp_path: Path, looks: list[int]) -> None:
    """Twice as often, once for the offset and once for the mouths, until the tracker was shared."""
    state = clip.stat()
    item = Item("c", clip.name, state.st_size, state.st_mtime_ns)
    made = make_clips(
        item, clip.parent, tmp_path, Plan("offset,mouth/96,mouth/48,landmarks:upright,mouth:motion")
    )
    assert {o["kind"]: o["valid"] for o in made.clips[0]["outputs"]} == {
        "landmarks-upright": FRAMES,
        "lips": FRAMES,
        "mouth-motion": FRAMES - 1,
        "mouth_48": FRAMES,
        "mouth_96": FRAMES,
        "mouth_shape": FRAMES,
    }
    assert made.clips[0]["offset_seconds"] is not None or made.clips[0]["offset_probability"] is not None
    assert FRAMES <= len(looks) <= FRAMES + 1


def test_align_takes_features_of_faces_and_flow_in_its_one_look(
    clip: Path, tmp_path: Path, looks: list[int]
) -> None:
    """``align`` saw every face and refused ``--feature mouth``; now the report has the opening as a lane."""
    options = AlignOptions(feature="mouth,landmarks:lips,flow", reading=ReadOptions(end=1))
    found = align_video(clip, options, tmp_path / "out")
    names = {"mouth.face0", "landmarks:lips.face0", "flow", "mouth:aperture.face0"}
    assert set(found.tracks) == names
    frames = found.frame_count
    assert frames <= len(looks) <= frames + 1
    assert {path.name for path in (tmp_path / "out" / "tracks").iterdir()} == {
        "mouth.face0.npz",
        "landmarks-lips.face0.npz",
        "flow.npz",
        "mouth-aperture.face0.npz",
    }
    assert "mouth:aperture" in (tmp_path / "out" / "report.html").read_text()


def test_features_and_sheet_look_once_and_agree(clip: Path, tmp_path: Path, looks: list[int]) -> None:
    options = FeatureOptions("mouth,mouth:aperture,landmarks:68", sheet=str(tmp_path / "sheet.png"))
    result = extract_features(clip, options, tmp_path / "out")
    assert [saved.track.name for saved in result.tracks] == [
        "mouth.face0",
        "mouth:aperture.face0",
        "landmarks:68.face0",
    ]
    assert FRAMES <= len(looks) <= FRAMES + 1
    assert len({(saved.track.start, len(saved.track)) for saved in result.tracks}) == 1
    assert all(np.array_equal(s.track.valid, result.tracks[0].track.valid) for s in result.tracks)
