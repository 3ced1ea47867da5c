"""Does an extractor tell the truth about its own times? :func:`check_feature` finds out by experiment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core import Grid, Track
from genlock.extractors.base import FaceFeature, Feature, PictureFeature
from genlock.extractors.both.base import BothFeature
from genlock.extractors.face.pose import CANONICAL_RIGID, LIPS, RIGID
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.tracking import Sighting
from genlock.extractors.frame_cells import between_frames, run_of_frames
from genlock.extractors.sound.base import AudioExtractor
from genlock.media import VideoCell
from genlock.models.face_nets import Region

__all__ = ["check_feature"]

# Two computations of one value may add in another order; relative to the greatest value.
_TOLERANCE = 1e-3
# The response to a click may be this far from where the grid says, in cells: much less than the half cell of
# the commonest mistake, more than the half sample by which pre-emphasis moves a click.
_CLICK_CELLS = Fraction(1, 20)

_Sound = npt.NDArray[np.float32]


def check_feature(feature: Feature, *, seed: int = 0) -> None:
    """Assert that a feature's declared grid, count, support and streaming are what it really does.

    Parameters
    ----------
    feature : Feature
        What is checked. One of sound whose support is ``"whole"`` is checked by its ``local`` part where it has one.
        One of the picture is fed frames of chance in two pieces, one of faces two faces of chance that come and go. Of
        one of sound and picture together the Tracks of its parts are joined on two clocks, and where they are invalid.
    seed : int
        Seed of the noise that it is fed.

    Raises
    ------
    AssertionError
        With what was declared, what was found, and where to look.

    Examples
    --------
    >>> from genlock.extractors import make_extractor
    >>> check_feature(make_extractor("mfcc"))
    >>> check_feature(make_extractor("flow/64x48"))
    """
    assert feature.takes in ("sound", "picture", "faces", "both"), f"{feature.name}: takes {feature.takes!r}"
    if isinstance(feature, AudioExtractor):
        _check_sound(feature, seed)
    elif isinstance(feature, PictureFeature):
        _check_picture(feature, np.random.default_rng(seed))
    elif isinstance(feature, FaceFeature):
        _check_faces(feature, seed)
    elif isinstance(feature, BothFeature):
        _check_both(feature, seed)


def _check_picture(feature: PictureFeature, random: np.random.Generator) -> None:
    """N frames give N rows on the frames' own cells, or on those between them, however they are cut into clips."""
    name, form, count = feature.name, feature.form, 2 * feature.batch + 5
    grid, stream = Grid(form.rate or 25, "1/7", "a clock"), feature.open()
    for cut in (range(count // 2), range(count // 2, count)):
        for k in cut:
            stream.push(_cell(feature, grid, k, random))
        track = stream.take(grid if form.rate is None else None)
        assert track is not None, f"{name}: {len(cut)} frames give no Track"
        assert len(track) == len(cut), f"{name}: {len(cut)} frames give {len(track)} rows"
        cells = run_of_frames(grid, cut.start, len(cut))
        declared = between_frames(cells) if feature.between else cells
        assert track.grid == declared, f"{name}: the Track lies on {track.grid}, its frames on {declared}"
        invalid = int((~track.valid).sum())
        allowed = int(feature.between and cut.start == 0)
        assert invalid <= allowed, (
            f"{name}: {invalid} rows are invalid, {allowed} may be: before the first frame"
        )
    assert stream.take() is None, f"{name}: no frame gives a Track"


# Frames in which each of two faces is seen: they come, go and come back.
_SEEN = {0: [*range(2, 14), *range(17, 30)], 1: [*range(9), *range(20, 30)]}
_FRAMES = 30


def _check_faces(feature: FaceFeature, seed: int) -> None:
    """Rows lie on the cells of the frames, are valid where the face is seen, and belong to that face and frame."""
    name = feature.name
    seen = {face: set(frames) for face, frames in _SEEN.items()}
    tracks = _face_tracks(feature, seed)
    for face, track in tracks.items():
        assert len(track) == _FRAMES, f"{name}: {_FRAMES} frames give {len(track)} rows"
        grid = Grid(25, "1/7", "a clock")
        declared = between_frames(grid) if feature.between else grid
        assert track.grid == declared, f"{name}: the Track lies on {track.grid}, its frames on {declared}"
        for k, valid in enumerate(track.valid.tolist()):
            assert not valid or k in seen[face], f"{name}: row {k} is valid, and no face is seen in frame {k}"
            followed = k - 1 in seen[face] or not feature.between
            assert valid or k not in seen[face] or not followed, (
                f"{name}: row {k} is invalid, and the face is seen"
            )
    alone = _face_tracks(feature, seed, faces=(0,))[0]
    assert _same(alone, tracks[0]), (
        f"{name}: values of one face change when another is seen: keep a state for each"
    )
    later = _face_tracks(feature, seed, first=1)[0]
    moved = np.array_equal(later.values[1:], tracks[0].values[:-1]) and not later.valid[0]
    assert moved, f"{name}: all seen one frame later should be the same values one row later"
    changed = _face_tracks(feature, seed, other=8)[0]
    distance = _distance(changed.values.astype(np.float32), tracks[0].values.astype(np.float32))
    assert distance.max() > 0, f"{name}: another face in frame 8 changes nothing"
    allowed = (8, 9) if feature.between else (8,)
    found = int(distance.argmax())
    assert found in allowed, f"{name}: another face in frame 8 shows most in row {found}"


def _face_tracks(
    feature: FaceFeature,
    seed: int,
    *,
    faces: Sequence[int] = (0, 1),
    first: int = 0,
    other: int | None = None,
) -> dict[int, Track]:
    """Tracks of faces of chance by face.

    Parameters
    ----------
    first : by so many frames all is seen later
    other : a frame in which face 0 looks different
    """
    rows = FaceRows([feature])
    for frame in range(_FRAMES - first):
        for face in faces:
            if frame in _SEEN[face]:
                look = [seed, face, frame, int(face == 0 and frame == other)]
                fresh = frame - 1 not in _SEEN[face]
                rows(_sighting(np.random.default_rng(look), face, frame + first, fresh))
    grid = Grid(25, "1/7", "a clock")
    return {face: rows.track(face, feature, range(_FRAMES), grid) for face in faces}


def _sighting(random: np.random.Generator, face: int, frame: int, fresh: bool) -> Sighting:
    """A face of chance, about upright, in a picture of chance."""
    points = np.asarray(random.normal(0, 0.4, (468, 3)), np.float64)
    points[list(RIGID)] = CANONICAL_RIGID + random.normal(0, 0.01, CANONICAL_RIGID.shape)
    turns = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ring = np.stack([-np.cos(turns), -np.sin(turns) * random.uniform(0.3, 1), 0 * turns], axis=1)
    points[list(LIPS)] = np.concatenate([0.3 * ring, 0.2 * ring]) + np.array([0, 0.7, 0])
    pixels = np.asarray(40 * points + [64, 64, 0] + random.normal(0, 1, 3), np.float32)
    image = random.integers(0, 255, (128, 128, 3), np.uint8)
    return Sighting(face, frame, pixels, 1.0, Region.of_mesh(pixels), image, fresh)


def _check_both(feature: BothFeature, seed: int) -> None:
    """Joined on another clock it is the same there; and where nothing is known of the parts, nothing is said."""
    name, moved = feature.name, Fraction(7, 3)
    for spec, part in feature.made_of.items():
        assert spec, f"{name}: one of its parts has no name"
        check_feature(part, seed=seed)
    tracks = {spec: _part_track(part, seed) for spec, part in feature.made_of.items()}
    track = feature.join(tracks)
    assert len(track) > 0, f"{name}: {', '.join(tracks)} give no value"
    assert track.clock == "a clock", (
        f"{name}: the Track is on the clock {track.clock!r}, its parts on 'a clock'"
    )
    assert np.all(np.isfinite(track.values[track.valid])), f"{name}: a value is not finite"
    later = feature.join({spec: one.shifted(moved) for spec, one in tracks.items()})
    same = np.allclose(later.values, track.values, rtol=1e-4) and np.array_equal(later.valid, track.valid)
    assert same, f"{name}: all parts moved by {moved} s give other values"
    assert later.start == track.start + moved, f"{name}: all parts moved by {moved} s move it otherwise"
    nothing = {spec: replace(one, valid=np.zeros(len(one), bool)) for spec, one in tracks.items()}
    assert not feature.join(nothing).valid.any(), f"{name}: a value is valid, and no value of its parts is"


def _part_track(part: Feature, seed: int) -> Track:
    """A Track of a feature, of 1.2 s of chance."""
    random = np.random.default_rng(seed)
    if isinstance(part, AudioExtractor):
        return part(_noise(random, int(1.2 * part.sample_rate)), Fraction(1, 7), "a clock")
    if isinstance(part, FaceFeature):
        return _face_tracks(part, seed)[0]
    assert isinstance(part, PictureFeature), f"{part.name}: takes {part.takes!r}"
    grid, stream = Grid(part.form.rate or 25, "1/7", "a clock"), part.open()
    for k in range(_FRAMES):
        stream.push(_cell(part, grid, k, random))
    track = stream.take(grid if part.form.rate is None else None)
    assert track is not None, f"{part.name}: {_FRAMES} frames give no Track"
    return track


def _cell(feature: PictureFeature, grid: Grid, k: int, random: np.random.Generator) -> VideoCell:
    """A frame of chance, in the form that a feature takes."""
    wide, high = feature.form.size or (64, 48)
    shape = (high, wide) if feature.form.pixels == "gray" else (high, wide, 3)
    pixels = random.integers(0, 255, shape, np.uint8)
    return VideoCell(pixels, k, grid.edge(k), grid.edge(k + 1), grid.clock)


def _same(a: Track, b: Track) -> bool:
    return np.array_equal(a.values, b.values) and np.array_equal(a.valid, b.valid)


def _check_sound(extractor: AudioExtractor, seed: int) -> None:
    random = np.random.default_rng(seed)
    _check_declarations(extractor)
    _check_lengths(extractor, random)
    _check_streaming(extractor, random)
    local = extractor.local
    if local.support == "whole":
        return
    if local is not extractor:
        assert local.grid() == extractor.grid(), (
            f"{extractor.name}: the local part has the grid {local.grid()}, the whole {extractor.grid()}"
        )
    _check_click(local)
    _check_support(local, random)
    _check_shift(local, random)


def _check_declarations(extractor: AudioExtractor) -> None:
    name = extractor.name
    assert isinstance(name, str), f"the name {name!r} is not a text"
    assert name, "the extractor has no name"
    rate = extractor.sample_rate
    whole_rate = isinstance(rate, int) and rate > 0
    assert whole_rate, f"{name}: sample_rate {rate!r} is not an integer above zero"
    support = extractor.support
    assert support == "whole" or (isinstance(support, Fraction) and support >= 0), (
        f"{name}: support {support!r} is neither 'whole' nor a Fraction of seconds"
    )
    grid = extractor.grid()
    hop = rate / grid.rate
    assert hop.denominator == 1, (
        f"{name}: {grid.rate} values per second of {rate} Hz sound are a hop of {float(hop):.4f} samples; "
        "a hop is a whole number of samples, or the grid drifts"
    )
    moved = extractor.grid(Fraction(7, 3), "another clock")
    follows = moved == Grid(grid.rate, grid.start + Fraction(7, 3), "another clock")
    assert follows, f"{name}: grid(7/3, 'another clock') is {moved}; it should be grid() 7/3 s later on it"


def _check_lengths(extractor: AudioExtractor, random: np.random.Generator) -> None:
    hop = _hop(extractor)
    window = _support_samples(extractor)
    residues = sorted({0, 1, hop // 3, hop // 2, hop - 1})
    around = [window + hop * cells + residue for cells in (-1, 0, 1, 7) for residue in residues]
    for length in sorted({0, 1, 2, hop, *around, *random.integers(0, 4 * (window + hop), 8).tolist()}):
        if length < 0:
            continue
        track = extractor(_noise(random, length), Fraction(1, 7), "a clock")
        declared = extractor.count(length)
        where = f"{extractor.name}, {length} samples"
        assert len(track) == declared, f"{where}: {len(track)} values are made, count() says {declared}"
        grid = extractor.grid(Fraction(1, 7), "a clock")
        assert track.grid == grid, f"{where}: the Track lies on {track.grid}, grid() says {grid}"
        assert track.support == extractor.support, (
            f"{where}: support {track.support}, not {extractor.support}"
        )
        assert np.all(np.isfinite(track.values)), f"{where}: a value is not finite"
        _check_within(track, length, extractor.sample_rate, where)


def _check_within(track: Track, length: int, rate: int, where: str) -> None:
    """Valid values lie where the sound is: no more than half a window outside it."""
    if not track.valid.any():
        return
    assert isinstance(track.support, Fraction) or track.support == "whole"
    slack = track.grid.center(1) - track.grid.center(0)
    if isinstance(track.support, Fraction):
        slack += track.support / 2
    first, last = (int(k) for k in np.flatnonzero(track.valid)[[0, -1]])
    low, high = Fraction(1, 7) - slack, Fraction(1, 7) + Fraction(length, rate) + slack
    for k in (first, last):
        center = track.grid.center(k)
        assert low <= center <= high, (
            f"{where}: value {k} is centred at {float(center - Fraction(1, 7)):.6f} s of a sound of "
            f"{length / rate:.6f} s"
        )


def _check_streaming(extractor: AudioExtractor, random: np.random.Generator) -> None:
    sound = _noise(random, 3 * _support_samples(extractor) + 20 * _hop(extractor) + 17)
    whole = extractor(sound)
    for cuts in _cuts(len(sound), random):
        stream = extractor.open()
        for start, stop in zip([0, *cuts], [*cuts, len(sound)], strict=True):
            stream.push(sound[start:stop])
        pieces = stream.finish()
        same = np.array_equal(pieces.values, whole.values) and np.array_equal(pieces.valid, whole.valid)
        assert same, (
            f"{extractor.name}: pushed in {len(cuts) + 1} pieces (cut at {cuts[:5]} ...) "
            "the values differ from one push"
        )


def _cuts(length: int, random: np.random.Generator) -> Iterator[list[int]]:
    yield [length // 2]
    yield list(range(1, length, max(1, length // 7)))
    yield sorted(random.integers(0, length + 1, 9).tolist())


def _check_shift(extractor: AudioExtractor, random: np.random.Generator) -> None:
    """One cell more sound at the front puts every value one cell later."""
    hop, margin = _hop(extractor), _margin(extractor)
    sound = _noise(random, (2 * margin + 20) * hop)
    before = extractor(sound).values
    after = extractor(np.concatenate([_noise(random, hop), sound])).values
    inner = slice(margin, min(len(before), len(after) - 1) - margin)
    assert len(before[inner]) > 0, f"{extractor.name}: {len(before)} values, none away from the edges"
    difference = _distance(after[1:][inner], before[inner]).max() / _scale(before)
    assert difference < _TOLERANCE, (
        f"{extractor.name}: {hop} samples more at the front should move every value by one cell, but values "
        f"away from the edges change by {difference:.3g} of their scale; is the hop {hop} samples?"
    )


def _check_support(extractor: AudioExtractor, random: np.random.Generator) -> None:
    """What lies further from center(k) than half the support does not matter to value k."""
    hop, margin = _hop(extractor), _margin(extractor)
    sound = _noise(random, (4 * margin + 20) * hop)
    base = extractor(sound)
    assert isinstance(base.support, Fraction)
    reach = base.support / 2 * extractor.sample_rate
    n = np.arange(len(sound))
    for k in range(len(base) // 2, len(base) // 2 + 8):
        center = base.grid.center(k) * extractor.sample_rate
        before, after = n < np.floor(float(center - reach)), n > np.ceil(float(center + reach))
        for side, outside in (("before", before), ("after", after)):
            # Louder on one try and silent on the other: a value may not notice what is hidden behind it.
            changed = np.where(outside, np.float32(10 * (k % 2)) * _noise(random, len(sound)), sound)
            difference = _distance(extractor(changed).values, base.values)[k] / _scale(base.values)
            assert difference < _TOLERANCE, (
                f"{extractor.name}: value {k} changes by {difference:.3g} of the scale when the sound {side} "
                f"{float(base.support) / 2:.6f} s from its centre changes; support is declared as "
                f"{float(base.support):.6f} s in all"
            )


def _check_click(extractor: AudioExtractor) -> None:
    """A click's response is centred where the grid says, on average over its places within a cell."""
    hop, margin = _hop(extractor), _margin(extractor)
    length = (2 * margin + 6) * hop
    silence = extractor(np.zeros(length, np.float32))
    steps = min(hop, 16)
    cells = 1000 / float(extractor.grid().rate)  # milliseconds in a cell
    errors = []
    for step in range(steps):
        at = (margin + 3) * hop + step * hop // steps
        sound = np.zeros(length, np.float32)
        sound[at] = 0.5
        heard = extractor(sound)
        response = _distance(heard.values, silence.values)
        seconds = at / extractor.sample_rate
        assert response.max() > 0, f"{extractor.name}: a click at {seconds:.6f} s changes nothing"
        found = float(heard.centers @ response / response.sum())
        errors.append(1000 * (found - seconds) / cells)
        assert abs(errors[-1]) <= 0.5, (
            f"{extractor.name}: a click at {seconds:.6f} s shows up {errors[-1]:+.2f} cells "
            f"({errors[-1] * cells:+.2f} ms) from there; look at the grid's start"
        )
    mean = float(np.mean(errors))
    assert abs(mean) <= _CLICK_CELLS, (
        f"{extractor.name}: clicks show up {mean:+.3f} cells ({mean * cells:+.3f} ms) from where they are, "
        "on average over their places within a cell; center(k) is the centre of the window that value k "
        "looks at: look at the grid's start"
    )


def _hop(extractor: AudioExtractor) -> int:
    return int(extractor.sample_rate / extractor.grid().rate)


def _support_samples(extractor: AudioExtractor) -> int:
    support = extractor.support
    if support == "whole":
        local = extractor.local.support
        return int(local * extractor.sample_rate) if isinstance(local, Fraction) else extractor.sample_rate
    return max(1, int(np.ceil(float(support * extractor.sample_rate))))


def _margin(extractor: AudioExtractor) -> int:
    """Cells from an edge of the sound within which a value may depend on that edge."""
    return _support_samples(extractor) // _hop(extractor) + 2


def _noise(random: np.random.Generator, length: int) -> _Sound:
    return (0.1 * random.standard_normal(length)).astype(np.float32)


def _distance(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Euclidean distance of each value of a from that of b, [T]."""
    difference = (a.astype(np.float64) - b).reshape(len(a), -1)
    return np.asarray(np.sqrt((difference**2).sum(axis=1)))


def _scale(values: npt.NDArray[np.float32]) -> float:
    flat = values.astype(np.float64).reshape(len(values), -1)
    return max(float(np.sqrt((flat**2).sum(axis=1)).mean()), 1e-30)
