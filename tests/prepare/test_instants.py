"""A click in the sound and a flash in the picture lie at their instant in all that is prepared, in every clip."""

from __future__ import annotations

import functools
import importlib.util
import zipfile
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest

pytest.importorskip("pyarrow")

import itertools

from genlock.core.grid import Grid
from genlock.core.time import exact_rate
from genlock.core.track import Track
from genlock.core.track_file import load_track
from genlock.data.index import read_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.data.reading import ClipSet
from genlock.media import Picture, Sound, VideoForm, encode, frame_cells, read_frames
from genlock.synth.card.film import CardOptions, make_card

SOUND_RATE = 48000
# Picture and sound begin at different instants, neither at 0; one event in each clip of a second.
PICTURE_START, SOUND_START = Fraction("0.24"), Fraction("0.2")
EVENTS = (Fraction("0.7604"), Fraction("1.5013"), Fraction("2.9121"))
SECONDS = Fraction("3.3")  # the last clip is a tail
SOUNDS = ("16000", "22050", "44100")
RATES = ("", "@21.5", "@25", "@29.97")
FEATURES = (
    "mel",
    "mel:specvqgan",
    "mel:kaldi",
    "mel:whisper",
    "mfcc",
    "mfcc:psf",
    "mfcc:kaldi39",
    "energy",
    "onset",
)
OUTPUTS = ",".join(
    (
        *(f"sound@{rate}" for rate in SOUNDS),
        *FEATURES,
        *(
            f"{kind}{rate}/64x48"
            for kind in ("frames", "video", "rgb:tests.prepare.hostile:means")
            for rate in RATES
        ),
    )
)


def frame_edges(kind: str) -> list[Fraction]:
    """Edges of the frames of a film, in seconds, whole milliseconds where the rate varies."""
    if kind == "variable":
        edges, steps = [PICTURE_START], np.random.default_rng(1).integers(20, 60, 200)
        while edges[-1] < PICTURE_START + SECONDS:
            edges.append(edges[-1] + Fraction(int(steps[len(edges)]), 1000))
        return edges
    rate = Fraction(kind)
    return [PICTURE_START + k / rate for k in range(int(SECONDS * rate) + 1)]


def shown(edges: list[Fraction], instant: Fraction) -> int:
    """The frame that is on show."""
    return next(k for k in range(len(edges) - 1) if edges[k] <= instant < edges[k + 1])


def white(edges: list[Fraction], event: Fraction) -> tuple[int, int]:
    """First frame of a flash, and the one after its last: long enough that no rate steps over it."""
    first = shown(edges, event)
    return first, next(k for k in range(first, len(edges)) if edges[k] - edges[first] >= Fraction("0.05"))


def flashing(path: Path, kind: str, *, clicks: bool = True, noise: float = 0.0) -> list[Fraction]:
    """A film with a click at each event and a flash from the frame on that is then on show; the edges of its frames."""
    edges = frame_edges(kind)
    frames = [np.full((48, 64, 3), 40, np.uint8) for _ in edges[1:]]
    samples = np.zeros(int((SECONDS + PICTURE_START - SOUND_START) * SOUND_RATE), np.float32)
    samples += noise * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    for event in EVENTS:
        for k in range(*white(edges, event)):
            frames[k][:] = 255
        samples[round((event - SOUND_START) * SOUND_RATE)] += 0.8 * clicks
    ticks = [int(edge * 1000) for edge in edges[:-1]]
    timing: dict[str, Any] = (
        {"pts": ticks, "time_base": "1/1000"}
        if kind == "variable"
        else {"rate": kind, "start": PICTURE_START}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(
        path,
        Picture(frames, codec="libx264", options={"crf": "10"}, **timing),
        Sound(samples, SOUND_RATE, start=SOUND_START, codec="flac"),
    )
    return edges


Prepared: TypeAlias = tuple[Path, list[Fraction]]


@pytest.fixture(scope="module")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Prepared]:
    """Datasets by the frame rate of their film, each made when it is first asked for.

    A fixture of the module with parameters would be made again at each change of them: in random order, 60 times.
    """

    @functools.cache
    def made(kind: str) -> Prepared:
        folder = tmp_path_factory.mktemp("flashes")
        flashing(folder / "s/a.mkv", kind)
        cells, count = frame_cells(folder / "s/a.mkv")
        result = prepare(folder / "s", folder / "d", PrepareOptions(outputs=OUTPUTS, clip_seconds="1"))
        assert result.quarantined == ()
        return folder / "d", [cells.edge(k) for k in range(count + 1)]

    return made


@pytest.fixture(params=["25", "30000/1001", "variable"])
def flashes(request: pytest.FixtureRequest, prepared_once: Callable[[str], Prepared]) -> Prepared:
    """A dataset, and the edges of the source's frames as they lie in the file."""
    return prepared_once(request.param)


def outputs_of(dataset: Path) -> list[tuple[Mapping[str, Any], dict[str, Mapping[str, Any]]]]:
    """Rows of the index with their outputs by kind; the tail, if there is one, left out."""
    rows = [row for row in read_index(dataset / "index.parquet").to_pylist() if not row["tail"]]
    return [(row, {made["kind"]: made for made in row["outputs"]}) for row in rows][: len(EVENTS)]


def middle(track: Track) -> float:
    """Where the change lies: the middle of what differs from the usual, weighted by how much it differs."""
    values = track.values.reshape(len(track), -1).astype(np.float64)
    change = np.abs(values - np.median(values, axis=0)).sum(axis=1)
    change = np.where(change > 0.2 * change.max(), change, 0)
    return float(track.centers @ change / change.sum())


def test_clips_are_where_the_index_says(flashes: Prepared) -> None:
    dataset, edges = flashes
    for k, (row, _) in enumerate(outputs_of(dataset)):
        assert (Fraction(row["start"]), Fraction(row["end"])) == (edges[0] + k, edges[0] + k + 1)
        assert Fraction(row["start"]) <= EVENTS[k] < Fraction(row["end"])


@pytest.mark.parametrize("rate", SOUNDS)
def test_clicks_in_sound(flashes: Prepared, rate: str) -> None:
    clips = ClipSet(flashes[0], [f"sound_{rate}"], tails=False)
    for clip, event in zip(clips, EVENTS, strict=False):
        track = clip.tracks[f"sound_{rate}"]
        power = track.values.astype(np.float64) ** 2
        power[power < 0.01 * power.max()] = 0
        assert abs(track.centers @ power / power.sum() - float(event)) < 5e-5
        assert len(track) == int(rate)  # a clip of a second, whatever the phase of its first sample
        assert 0 <= track.grid.center(0) - clip.start < Fraction(1, int(rate))


@pytest.mark.parametrize("feature", FEATURES)
def test_clicks_in_features_of_sound(flashes: Prepared, feature: str) -> None:
    kind = feature.replace(":", "-")
    for (row, made), event in zip(outputs_of(flashes[0]), EVENTS, strict=True):
        track = load_track(flashes[0] / made[kind]["path"])
        assert track.clock == row["clock"]
        # The index says of the grid what the file says.
        assert isinstance(track.grid, Grid)
        assert (Fraction(made[kind]["rate"]), Fraction(made[kind]["start"])) == (
            track.grid.rate,
            track.grid.edge(0),
        )
        assert made[kind]["length"] == len(track)
        # A click lies between two windows' middles: half a hop is what a feature can say. A rectangular window (psf)
        # only says that the click is in it.
        exactness = 0.0125 if feature == "mfcc:psf" else float(track.grid.period) / 2 + 1e-4
        assert abs(middle(track) - float(event)) <= exactness


def rows_of_picture(dataset: Path, made: Mapping[str, Any]) -> list[float]:
    """The brightness of each row of an output of pictures."""
    path = dataset / made["path"]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
            pictures = [
                cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
                for name in names
            ]
        return [float(picture.mean()) for picture in pictures if picture is not None]
    if path.suffix == ".mp4":
        return [float(cell.pixels.mean()) for cell in read_frames(path, VideoForm(pixels="gray"))]
    return [float(value) for value in load_track(path).values.mean(axis=1)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ["frames", "video", "rgb-tests.prepare.hostile-means"])
def test_flashes_in_pictures(flashes: Prepared, name: str, rate: str) -> None:
    """A row shows what is on show at its middle: white exactly where its middle lies in the white frame."""
    dataset, edges = flashes
    tag = "" if not rate else f"_{float(exact_rate(rate[1:])):.5g}fps"
    for (row, made), event in zip(outputs_of(dataset), EVENTS, strict=True):
        output = made[f"{name}{tag}_64x48"]
        start, end = (edges[k] for k in white(edges, event))
        if rate:
            grid = Grid(exact_rate(rate[1:]), output["start"], row["clock"])
            assert Fraction(output["rate"]) == exact_rate(rate[1:])
            centers = [grid.center(j) for j in range(output["length"])]
        else:
            first, last = Fraction(row["start"]), Fraction(row["end"])
            cells = [(a, b) for a, b in itertools.pairwise(edges) if first <= (a + b) / 2 < last]
            centers = [(a + b) / 2 for a, b in cells]
            assert Fraction(output["start"]) == cells[0][0]
        bright = [value > 150 for value in rows_of_picture(dataset, output)]
        assert bright == [start <= center < end for center in centers]
        assert any(bright)


@pytest.mark.parametrize("rate", RATES)
def test_films_of_clips_show_their_frames_when_the_source_does(flashes: Prepared, rate: str) -> None:
    """Frame 0 of a film of ours is shown at 0, and means the start that the index says."""
    dataset, edges = flashes
    tag = "" if not rate else f"_{float(exact_rate(rate[1:])):.5g}fps"
    for (_, made), event in zip(outputs_of(dataset), EVENTS, strict=True):
        output = made[f"video{tag}_64x48"]
        film = read_frames(dataset / output["path"], VideoForm(pixels="gray"))
        bright = [cell.start for cell in film if cell.pixels.mean() > 150]
        start, _ = (edges[k] for k in white(edges, event))
        if rate:  # the first frame whose middle lies in the flash
            middle_of_first = Fraction(output["start"]) + bright[0] + 1 / (2 * exact_rate(rate[1:]))
            assert start <= middle_of_first < start + 1 / exact_rate(rate[1:])
        else:
            assert Fraction(output["start"]) + bright[0] == start


@pytest.mark.parametrize("kind", ["25", "variable"])
def test_a_jump_in_flow(tmp_path: Path, kind: str) -> None:
    """The picture moves between two frames: the row between them says so, at every rate, and no other row."""
    edges = frame_edges(kind)
    texture = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 255, (60, 120), dtype=np.uint8), (0, 0), 2
    )
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    jumps = [shown(edges, event) for event in EVENTS]
    moved = [4 * sum(k >= jump for jump in jumps) for k in range(len(edges) - 1)]
    frames = [np.repeat(texture[6:54, 20 + m : 84 + m, None], 3, 2) for m in moved]
    timing: dict[str, Any] = (
        {"pts": [int(edge * 1000) for edge in edges[:-1]], "time_base": "1/1000"}
        if kind == "variable"
        else {"rate": kind, "start": PICTURE_START}
    )
    (tmp_path / "s").mkdir()
    encode(tmp_path / "s/a.mkv", Picture(frames, codec="libx264", options={"crf": "4"}, **timing))
    outputs = "flow/64x48,flow@21.5/64x48,flow:farneback@25/64x48,flow@29.97/64x48"
    prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs=outputs, clip_seconds="1"))
    for number, (_, made) in enumerate(outputs_of(tmp_path / "d")):
        instant = edges[jumps[number]]
        for output in made.values():
            track = load_track(tmp_path / "d" / output["path"])
            size = np.abs(np.median(track.values[..., 0].astype(float), axis=(1, 2)) - 127.5) * track.valid
            moving = np.flatnonzero(size > 8)  # 4 pixels are 25 steps
            assert len(moving) == 1, output["kind"]
            assert track.grid.edge(int(moving[0])) < instant < track.grid.edge(int(moving[0]) + 1)


def test_a_click_in_features_of_a_speech_model(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    place = Path(__file__).parents[1] / "models" / "checkpoints.py"
    found = importlib.util.spec_from_file_location("checkpoints", place)
    assert found is not None
    assert found.loader is not None
    checkpoints = importlib.util.module_from_spec(found)
    found.loader.exec_module(checkpoints)
    model = checkpoints.write_checkpoint(tmp_path, "wav2vec2-layer")
    flashing(tmp_path / "s/clicks.mkv", "25", noise=0.01)
    flashing(tmp_path / "s/quiet.mkv", "25", noise=0.01, clicks=False)
    prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs=f"ssl:{model}", clip_seconds="1"))
    clips = ClipSet(tmp_path / "d", ["ssl-wav2vec2-layer"], tails=False)
    by_source = {
        name: [clip for clip in clips if clip.row["source"] == f"{name}.mkv"] for name in ("clicks", "quiet")
    }
    for clip, quiet, event in zip(by_source["clicks"], by_source["quiet"], EVENTS, strict=True):
        track = clip.tracks["ssl-wav2vec2-layer"]
        assert len(track) == 49
        change = np.abs(track.values - quiet.tracks["ssl-wav2vec2-layer"].values).sum(axis=1)
        # A window of 25 ms has the click in it.
        assert abs(track.centers[change.argmax()] - float(event)) <= 0.0125


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A talking card that begins at 0.24 s, cut into clips of a second, and its truth."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "s").mkdir()
    truth = make_card(
        folder / "s/card.mp4",
        CardOptions(
            width=320,
            height=240,
            rate=25,
            duration_seconds=4,
            lines=(("0.5", "The sound and the picture of a video."),),
            flashes=("0.32", "1.32", "2.88", "3.60"),
            picture_start=PICTURE_START,
            sound_start=PICTURE_START,
            offset_seconds="0.06",
        ),
    )
    options = PrepareOptions(outputs="landmarks,mouth/48,offset,words", clip_seconds="1")
    prepare(folder / "s", folder / "d", options)
    return folder, truth


def test_faces_lie_on_the_frames_of_the_source(card: tuple[Path, Any]) -> None:
    folder, _ = card
    cells, count = frame_cells(folder / "s/card.mp4")
    tracks: dict[str, list[Track]] = {}
    for _, made in outputs_of(folder / "d"):
        for kind, output in made.items():
            tracks.setdefault(kind, []).append(load_track(folder / "d" / output["path"]))
    assert set(tracks) == {"landmarks", "lips", "mouth_48", "mouth_shape"}
    for kind, clips in tracks.items():
        edges = [track.grid.edge(k) for track in clips for k in range(len(track))]
        assert edges == [cells.edge(k) for k in range(len(edges))], kind
        assert len(edges) == min(count, 75)
    # The mouth opens in the very frames in which the card's does.
    seen = np.concatenate([track.values[:, 0] for track in tracks["mouth_shape"]])
    truth = card[1].aperture.values[: len(seen)]
    agreement = {
        lag: np.corrcoef(seen[3 : len(seen) - 3], truth[3 + lag : len(seen) - 3 + lag])[0, 1]
        for lag in range(-3, 4)
    }
    assert max(agreement, key=agreement.__getitem__) == 0
    assert agreement[0] > 0.8
    # And the crops are those frames' own.
    for crop, points in zip(tracks["mouth_48"], tracks["landmarks"], strict=True):
        assert crop.valid.all()
        assert points.valid.all()


def test_offset_and_words_are_told_on_the_media_clock(card: tuple[Path, Any]) -> None:
    folder, truth = card
    rows = [row for row, _ in outputs_of(folder / "d")]
    assert [row["offset_seconds"] for row in rows] == pytest.approx([0.06] * len(rows), abs=0.005)
    for row in rows:
        for word in row["words"]:
            assert Fraction(row["start"]) <= Fraction(word["start_seconds"]) < Fraction(row["end"])
    said = {word["text"].lower().strip(".,"): word["start_seconds"] for row in rows for word in row["words"]}
    true = {span.label.lower().strip(".,"): float(span.start) for span in truth.words}
    known = sorted(said.keys() & true.keys() - {"the"})  # which comes twice
    assert len(known) >= 2
    assert np.median([abs(said[text] - true[text]) for text in known]) < 0.08


def test_the_index_explains_its_numbers_of_frames(tmp_path: Path) -> None:
    """RegNet's 860 columns, 215 frames and a crop of 212: what lies where, from the index alone."""
    samples = 0.1 * np.random.default_rng(0).standard_normal(10 * 22050).astype(np.float32)
    frames = [np.full((48, 64, 3), 40, np.uint8)] * 250
    (tmp_path / "s").mkdir()
    encode(
        tmp_path / "s/a.mkv", Picture(frames, rate=25, codec="libx264"), Sound(samples, 22050, codec="flac")
    )
    outputs = "mel:specvqgan,rgb:tests.prepare.hostile:means@21.5/64x48"
    prepare(tmp_path / "s", tmp_path / "d", PrepareOptions(outputs=outputs, clip_seconds="10"))
    ((row, made),) = outputs_of(tmp_path / "d")
    mel, rgb = made["mel-specvqgan"], made["rgb-tests.prepare.hostile-means_21.5fps_64x48"]
    sound, picture = (Grid(made["rate"], made["start"], row["clock"]) for made in (mel, rgb))
    # 10 s hold 862 columns of 256 samples, of which RegNet keeps 860, and 215 frames of 21.5 a second.
    assert (mel["length"], rgb["length"]) == (862, 215)
    assert (sound.rate, picture.rate) == (Fraction(22050, 256), Fraction(43, 2))
    # "Four columns a frame" is a rate of 21.533, not 21.5: after 10 s the two are 15 ms apart.
    assert float(sound.rate / 4) == pytest.approx(21.533, abs=5e-4)
    assert float(picture.center(214) - 215 / (sound.rate / 4) + picture.period / 2) == pytest.approx(
        0.0155, abs=1e-3
    )
    # A crop of 212 frames is 9.860 s; the columns whose middles lie in it are counted by the index, not by "x 4".
    first, last = picture.span(range(212))
    assert float(last - first) == pytest.approx(9.8605, abs=1e-4)
    columns = sound.cells(first, last, "centers")
    assert len(columns) == 850  # RegNet takes 848, its last one 21 ms early
    assert len(sound.cells(*picture.span(range(215)), "centers")) == 862
