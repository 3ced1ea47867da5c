"""Films that are not as one would wish: without a face, without sound, of mouths already, short, at other rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from genlock.bench.avsr import AvsrBenchOptions, bench_avsr  # noqa: E402
from genlock.bench.avsr_clips import open_clips, read_film  # noqa: E402
from genlock.core.errors import InputError, MediaError, NoStream  # noqa: E402
from genlock.media import Picture, Sound, encode  # noqa: E402
from genlock.models.avhubert.recognizer import AVRecognizer, Parts, save_avsr  # noqa: E402
from genlock.models.avhubert.shape import AVHuBERTShape  # noqa: E402
from genlock.models.avhubert.tokens import Tokens  # noqa: E402
from genlock.tasks.find_words import WordOptions, find_words  # noqa: E402

SHAPE = AVHuBERTShape(
    layers=1, width=16, ffn=32, heads=2, final=8, clusters=0, position_kernel=4, position_groups=2, stem=4,
    trunk=(4, 4, 4, 8),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("models") / "tiny"
    tokens = Tokens.of_characters(["bin blue now"])
    save_avsr(AVRecognizer(Parts(SHAPE, ctc=True, alignment=True), tokens, {"clip_seconds": 3}), path)
    return path


def _film(
    path: Path, seconds: float = 2.0, rate: int = 25, side: tuple[int, int] = (96, 96), sound: bool = True
) -> Path:
    draw = np.random.default_rng(0)
    height, width = side
    frames = [
        np.full((height, width, 3), 60 + 3 * (k % 50), np.uint8) for k in range(max(1, round(seconds * rate)))
    ]
    samples = (0.1 * draw.standard_normal(round(seconds * 16000))).astype(np.float32)
    encode(path, Picture(frames, rate=rate), *([Sound(samples, rate=16000)] if sound else []))
    return path


@pytest.mark.parametrize("rate", [12, 25, 60])
def test_frames_of_mouths_are_taken_as_they_are_by_their_instants(tmp_path: Path, rate: int) -> None:
    sound, mouth, note = read_film(_film(tmp_path / "lips.mp4", rate=rate), "mouth/96")
    assert "taken for mouths" in note
    assert mouth.values.shape == (50, 96, 96)
    assert mouth.valid.all()
    assert len(sound) == pytest.approx(32000, abs=1100)
    # Each of the 25 frames a second shows the film's frame that is nearest to its middle.
    shown = mouth.values[:, 48, 48].astype(int)
    wanted = [60 + 3 * (min(int((k + 0.5) / 25 * rate), 2 * rate - 1) % 50) for k in range(50)]
    assert np.abs(shown - wanted).max() <= 12


def test_a_large_picture_without_a_face_and_a_film_without_sound_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not 320 x 240"):
        read_film(_film(tmp_path / "wide.mp4", side=(240, 320)), "mouth/96")
    with pytest.raises(MediaError, match="no sound"):
        read_film(_film(tmp_path / "mute.mp4", sound=False), "mouth/96")


def test_a_folder_is_judged_whatever_lies_in_it(folder: Path, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for name in ("a", "b"):
        _film(films / f"{name}.mp4")
        (films / f"{name}.txt").write_text("bin blue now")
    _film(films / "mute.mp4", sound=False)
    (films / "mute.txt").write_text("bin")
    _film(films / "untold.mp4")
    _film(films / "short.mp4", seconds=0.3)
    (films / "short.txt").write_text("now")
    (films / "broken.mp4").write_bytes((films / "a.mp4").read_bytes()[:2000])
    (films / "broken.txt").write_text("now")
    how = AvsrBenchOptions(str(folder), noises=("babble",), levels=(0.0,), shifts=(3,))
    done = bench_avsr(films, how, tmp_path / "run.json")
    said = "\n".join(done.cases.left_out)
    for name in ("mute.mp4", "untold.mp4: it has no text", "broken.mp4"):
        assert name in said
    assert done.card["clips"] == 3
    assert len(done.cases.notes) == 3
    assert (tmp_path / "run.json").is_file()
    with pytest.raises(InputError, match="no film"):
        open_clips(tmp_path, "speech", "test", "mouth/96")


@pytest.mark.slow
def test_processes_share_the_batches_and_find_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sums in another number of threads differ in their last bits, and a training in this process may have set its own.
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    for name in ("a", "b", "c"):
        _film(tmp_path / f"{name}.mp4")
        (tmp_path / f"{name}.txt").write_text("bin blue now")
    how = {"noises": ("white",), "levels": (0.0,), "shifts": (), "batch": 1}
    one, two = (bench_avsr(tmp_path, AvsrBenchOptions(str(folder), processes=n, **how)) for n in (1, 2))
    assert one.cases == two.cases


def test_words_of_films_without_faces_and_without_sound(folder: Path, tmp_path: Path) -> None:
    with_avsr = WordOptions(recognizer=f"avsr:{folder}")
    heard = find_words(_film(tmp_path / "lips.mp4"), with_avsr)
    assert heard.words.recognizer == f"avsr:{folder}"
    mute = _film(tmp_path / "mute.mp4", sound=False)
    silent = find_words(mute, with_avsr, tmp_path / "mute.json")
    assert silent.words.reason == "nothing is heard, and no mouth is seen"
    with pytest.raises(NoStream):
        find_words(mute, WordOptions())
    laid = find_words(
        tmp_path / "lips.mp4", WordOptions(transcript=str(_text(tmp_path)), aligner=f"avsr:{folder}")
    )
    assert [word.text for word in laid.words] == ["bin", "blue"]


def _text(folder: Path) -> Path:
    path = folder / "said.txt"
    path.write_text("bin blue")
    return path


def test_a_real_face_is_read_with_sound_and_without(folder: Path, shared_data: Path, tmp_path: Path) -> None:
    """The model knows nothing; that it is shown the mouth is seen from the face that is named."""
    from genlock.speech.audiovisual.checkpoint import load_recognizer

    clip = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    sound, mouth, note = read_film(clip, load_recognizer(folder).mouth)
    assert note == ""
    assert mouth.valid.mean() > 0.9
    assert len(mouth) == 75
    assert len(sound) > 47000
    found = find_words(clip, WordOptions(recognizer=f"avsr:{folder}"))
    assert found.words.reason in (None, "no speech was recognised")
