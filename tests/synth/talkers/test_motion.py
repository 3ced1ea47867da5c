"""The moving mouth: lips shut where they must be, the same at every frame rate, never through each other."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Span, Spans
from genlock.synth.signals.clips import uneven_ticks
from genlock.synth.talkers.face import Camera, aperture, place, points_of
from genlock.synth.talkers.mesh import INNER, face_mesh, upright
from genlock.synth.talkers.motion import STATE, Motion, lips_of, state_of
from genlock.synth.talkers.speakers import Speaker, draw_speaker, resting_face
from genlock.synth.talkers.speaking import speak
from genlock.synth.talkers.visemes import VISEMES, viseme_of
from genlock.synth.voice.phones import PHONES

CLOSE = STATE.index("close")
SENTENCES = ("bin blue by p two now", "place my map above the bay", "set white with m seven again")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", SENTENCES[:1])
def test_lips_of_p_b_m_are_shut_from_closing_to_opening(seed: int, text: str) -> None:
    said = speak(text, "own")
    speaker = draw_speaker(seed)
    motion = Motion(said.phones, speaker, said.lips_shut, seed)
    assert {span.label for span in said.lips_shut} >= {"B", "P"}
    for span in said.lips_shut:
        instants = np.linspace(float(span.start), float(span.end), 21)
        points = points_of(motion.at(instants), speaker)
        assert aperture(points).max() < 1e-9
        # All along the lips, not only in their middle.
        gaps = points[:, INNER.lower, 1] - points[:, INNER.upper, 1]
        assert np.abs(gaps).max() < 1e-9


def test_lips_are_open_in_vowels_beside_closures() -> None:
    said = speak("bin blue by p two now", "own")
    speaker = Speaker(amplitude=1.7, variety=0)
    motion = Motion(said.phones, speaker, said.lips_shut)
    vowels = [p for p in said.phones if p.label in ("AY", "AW", "IH")]
    open_wide = [
        aperture(points_of(motion.at([float(p.start + p.duration / 2)]), speaker))[0] for p in vowels
    ]
    assert min(open_wide) > 0.01
    assert max(open_wide) > 0.06


def test_lips_never_pass_through_each_other() -> None:
    state = np.random.default_rng(0).uniform(0, 1.2, (400, len(STATE)))
    state[:, 3:5] -= 0.8  # lips that press against each other
    for seed in range(4):
        points = points_of(state, draw_speaker(seed))
        assert (points[:, INNER.lower, 1] - points[:, INNER.upper, 1]).min() > -1e-9


def test_every_frame_rate_sees_the_same_movement() -> None:
    said, speaker = speak("lay white by eight three please", "own"), draw_speaker(2)
    motion = Motion(said.phones, speaker, said.lips_shut, 5, said.words)
    for cells, count in ((Grid("21.5"), 40), (Grid("30000/1001"), 60), (uneven_ticks(30, 0, 2, 1), 49)):
        track = state_of(
            said.phones, speaker, cells, count, closures=said.lips_shut, seed=5, words=said.words
        )
        np.testing.assert_array_equal(track.values, motion.at(cells.centers(count)))


@pytest.mark.slow
def test_an_hour_at_any_instant_is_what_it_is_alone() -> None:
    phones = Spans(
        [Span(k / 8, (k + 1) / 8, "MAEB"[k % 4].replace("A", "AA").replace("E", "EY")) for k in range(28800)]
    )
    motion = Motion(phones, Speaker(), seed=3)
    instants = np.array([0.3, 1799.91, 3599.2])
    together = motion.at(np.sort(np.concatenate([instants, np.linspace(0, 3600, 700)])))
    for instant in instants:
        alone = motion.at([instant])[0]
        assert np.abs(together - alone).max(axis=1).min() < 1e-6


def test_the_mouth_moves_with_the_lead_of_its_speaker() -> None:
    said = speak("lay red at a four now", "own")
    cells, count = Grid(100), 200
    early, late = (
        state_of(said.phones, Speaker(lead_seconds=lead, variety=0), cells, count).values[:, 0]
        for lead in (0.05, 0.0)
    )
    lags = range(-12, 13)
    best = max(lags, key=lambda lag: float(np.corrcoef(early[20:-20], np.roll(late, -lag)[20:-20])[0, 1]))
    # Silence before and after does not move, which holds the correlation back.
    assert best in (4, 5)


def test_phones_of_every_kind_have_a_mouth() -> None:
    assert set(VISEMES) == set(PHONES) - {"SIL"}
    assert viseme_of("AH0") == viseme_of("AH")
    with pytest.raises(OptionError, match="no ARPABET phone"):
        viseme_of("XX")


def test_silence_and_nothing_are_at_rest() -> None:
    rest = Motion(Spans(), Speaker()).at([0.0, 1.0])
    assert np.abs(rest[:, : CLOSE + 2]).max() == 0
    assert len(lips_of(Spans(), Speaker(), Grid(25), 0)) == 0


def test_what_a_camera_sees_upright_is_the_face() -> None:
    speaker = draw_speaker(1)
    state = np.zeros((3, len(STATE)))
    state[:, 0], state[:, STATE.index("roll")] = 0.5, (0, 0.3, -0.2)
    points = points_of(state, speaker)
    far = Camera(640, 480, 80, distance=1e6)
    seen = upright(place(points, state, far))
    np.testing.assert_allclose(seen[..., :2], upright(points)[..., :2], atol=1e-4)


def test_faces_differ_and_lie_upright() -> None:
    faces = [resting_face(draw_speaker(seed)) for seed in range(5)]
    for face in faces:
        np.testing.assert_allclose(upright(face), face, atol=1e-9)
        assert abs(face[14, 1] - face[13, 1]) < 1e-9
    assert np.abs(faces[0] - faces[1]).max() > 0.02


def test_skin_follows_the_jaw_and_the_eyes_stand_still() -> None:
    state = np.zeros((1, len(STATE)))
    state[0, 0] = 1
    moved = points_of(state, Speaker())[0] - resting_face(Speaker())
    assert moved[152, 1] > 0.09  # the chin
    assert 0.01 < moved[214, 1] < moved[152, 1]  # the cheek beside the mouth
    assert np.abs(moved[[33, 133, 362, 263, 10, 168]]).max() < 1e-12
    assert face_mesh().spread.min() > -1e-9
