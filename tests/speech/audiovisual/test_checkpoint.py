"""A folder of weights as a recogniser: a random nano model, run through everything that asks for networks."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.speech.audiovisual import planted  # noqa: E402

from genlock.core.errors import FormatError, MissingModel, OptionError  # noqa: E402
from genlock.core.grid import Grid  # noqa: E402
from genlock.core.track import Track  # noqa: E402
from genlock.media.sound_source import SilentSound, TrackSound  # noqa: E402
from genlock.models.avhubert.gate import GATE_NUMBERS  # noqa: E402
from genlock.models.avhubert.recognizer import AVRecognizer, Parts, save_avsr  # noqa: E402
from genlock.models.avhubert.shape import AVHuBERTShape, DecoderShape  # noqa: E402
from genlock.models.avhubert.tokens import Tokens  # noqa: E402
from genlock.speech import find, recognize_and_align  # noqa: E402
from genlock.speech.audiovisual.checkpoint import AVHuBERTSpeech, AVTokens, load_recognizer, mouths_of  # noqa: E402
from genlock.speech.audiovisual.listening import listen  # noqa: E402
from genlock.speech.audiovisual.search import SearchOptions, search  # noqa: E402
from genlock.speech.audiovisual.streams import Picture, fuse, look  # noqa: E402

SHAPE = AVHuBERTShape(
    layers=2, width=32, ffn=64, heads=2, final=8, clusters=4, position_kernel=8, position_groups=2, stem=4,
    trunk=(4, 4, 8, 8),
)  # fmt: skip
TOKENS = Tokens.of_characters(["bin blue", "set red now"])


def _network(**parts: object) -> AVRecognizer:
    torch.manual_seed(0)
    decoder = DecoderShape(layers=1, width=32, ffn=64, heads=2, tokens=len(TOKENS), memory=32)
    wanted = {"decoder": decoder, "ctc": True, "alignment": True, "gate_inputs": len(GATE_NUMBERS), **parts}
    return AVRecognizer(Parts(SHAPE, **wanted), TOKENS, {"clip_seconds": 3, "language": "en"}).eval()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "nano"
    save_avsr(_network(), path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> AVHuBERTSpeech:
    return load_recognizer(folder)


def _clip(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    sound = draw.standard_normal((frames, 104)).astype(np.float32)
    return sound, draw.integers(0, 256, (frames, 96, 96)).astype(np.uint8)


def _seen(model: AVHuBERTSpeech, *pictures: np.ndarray) -> list[np.ndarray]:
    return model.see(pictures, [np.ones(len(picture), bool) for picture in pictures])


def test_a_clip_is_the_same_alone_and_among_longer_ones(model: AVHuBERTSpeech) -> None:
    clips = [_clip(frames, frames) for frames in (12, 30, 21)]
    heard = model.hear([sound for sound, _ in clips])
    seen = _seen(model, *(picture for _, picture in clips))
    for sides in ((heard, seen), (heard, None), (None, seen)):
        together = model.encode(*sides)
        for number, one in enumerate(together):
            alone = model.encode(*(None if side is None else [side[number]] for side in sides))[0]
            np.testing.assert_allclose(one.memory, alone.memory, atol=2e-5)
            np.testing.assert_allclose(one.log_probs, alone.log_probs, atol=2e-5)
            assert one.there.all()
    how = SearchOptions(beam=3)
    both = model.encode(heard, seen)
    for one, together_best in zip(both, search(model, both, how), strict=True):
        assert search(model, [one], how)[0][0].tokens == together_best[0].tokens


def test_the_network_is_asked_as_it_was_built(model: AVHuBERTSpeech) -> None:
    """Rows of the fronts and the encoder are those of one forward pass of the network itself."""
    sound, picture = _clip(20)
    heard, seen = model.hear([sound]), _seen(model, picture)
    both = model.encode(heard, seen)[0]
    shown = (picture[:, 4:92, 4:92].astype(np.float32) / 255 - 0.421) / 0.165
    with torch.inference_mode():
        out = model.network.encoder(torch.from_numpy(sound.T[None]), torch.from_numpy(shown[None, None]))
    np.testing.assert_allclose(both.memory, out.last[0].numpy(), atol=2e-5)


def test_a_long_picture_is_seen_in_parts_as_in_one(
    model: AVHuBERTSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, picture = _clip(23)
    whole = _seen(model, picture)[0]
    monkeypatch.setattr("genlock.speech.audiovisual.checkpoint._SEEN_AT_ONCE", 7)
    np.testing.assert_allclose(_seen(model, picture)[0], whole, atol=2e-5)


def test_a_stream_that_is_not_there_is_no_part_of_the_shift(model: AVHuBERTSpeech) -> None:
    sound, picture = _clip(40)
    rows = model.hear([sound])[0]
    rows[:20] = 0
    seen = look(model, [picture], [np.arange(40) < 10])[0]
    alone, lips = model.encode([rows], None), model.encode(None, [seen.part(40)])
    assert alone[0].there.sum() == 20
    assert lips[0].there.sum() == 10
    (found,) = model.shifts(alone, lips)
    # Sound is there from frame 20 on and the picture up to frame 9: only shifts of -15 and below have five pairs.
    assert np.flatnonzero(np.isfinite(found.curve)).max() < 25
    assert found.probability is not None


def test_a_model_without_alignment_abstains_and_one_without_a_gate_looks() -> None:
    model = AVHuBERTSpeech(_network(alignment=False, gate_inputs=None), "bare")
    sound, picture = _clip(30)
    fused = fuse(model, model.hear([sound]), look(model, [picture], [np.ones(30, bool)]))
    assert fused.used == [0]
    assert fused.looked == [True]
    assert "not taught to align" in fused.shifts[0].reason  # type: ignore[union-attr]


def test_a_gate_that_is_shut_leaves_the_sound_as_it_is() -> None:
    network = _network()
    with torch.no_grad():
        network.gate.out.bias.fill_(-50)
        network.gate.out.weight.zero_()
    model = AVHuBERTSpeech(network, "shut")
    sound, picture = _clip(30)
    heard, seen = model.hear([sound]), look(model, [picture], [np.ones(30, bool)])
    alone = model.encode(heard, None)[0]
    assert np.array_equal(fuse(model, heard, seen).encoded[0].log_probs, alone.log_probs)
    with torch.no_grad():
        network.gate.out.bias.fill_(50)
    # A picture whose shift it looked for and doubts is left aside whatever the gate says: none is looked for here.
    assert not np.array_equal(fuse(model, heard, seen, align=False).encoded[0].log_probs, alone.log_probs)


def test_one_head_is_enough() -> None:
    sound, picture = _clip(25)
    for parts in ({"decoder": None}, {"ctc": False}):
        model = AVHuBERTSpeech(_network(**parts), "half")
        encoded = model.encode(
            model.hear([sound]), [Picture(_seen(model, picture)[0], np.ones(25, bool), 0).part(25)]
        )
        assert isinstance(search(model, encoded)[0][0].text, str)
    with pytest.raises(FormatError, match="neither a CTC head nor a decoder"):
        AVHuBERTSpeech(_network(decoder=None, ctc=False), "none")
    with pytest.raises(OptionError, match="no decoder"):
        AVHuBERTSpeech(_network(decoder=None), "half").spelling([encoded[0].memory], 2)


def test_without_a_ctc_head_words_have_no_times_and_say_why() -> None:
    model = AVHuBERTSpeech(_network(ctc=False), "half")
    sound = TrackSound(Track(planted.spoken(planted.sentence(3), 3.0), Grid.of_samples(16000)))
    with listen(model, sound, options=SearchOptions(2)) as found:
        for word in found.words():
            assert word.start is None
            assert "no CTC head" in str(word.reason)


def test_pieces_of_words_are_spelt_by_the_longest_that_fits() -> None:
    pieces = AVTokens(
        Tokens(("<s>", "<pad>", "</s>", "<unk>", "\u2581b", "\u2581blue", "i", "in", "n"), "pieces")
    )
    assert pieces.spell("bin") == ((4, 7), "")
    assert pieces.spell("Blue") == ((5,), "")
    assert pieces.delimiter is None
    assert pieces.text([5, 4, 7]) == "blue bin"


def test_a_film_is_recognised_by_the_name_of_a_folder(folder: Path) -> None:
    words = planted.sentence(4)
    sound = TrackSound(Track(planted.spoken(words, 4.0), Grid.of_samples(16000)))
    crops = np.repeat(np.repeat(planted.mouthed(words, Grid(25), 100), 6, axis=1), 6, axis=2)
    mouths = planted.spooled({0: dict(enumerate(crops))}, Grid(25), side=96)
    found = recognize_and_align(sound, recognizer=f"avsr:{folder}", mouths=mouths)
    assert found.recognizer == f"avsr:{folder}"
    laid = recognize_and_align(sound, transcript="bin blue", aligner=f"avsr:{folder}", mouths=mouths)
    assert [word.text for word in laid] == ["bin", "blue"]
    assert laid.aligner == f"avsr:{folder}"
    silent = recognize_and_align(SilentSound(Fraction(0), 16000), recognizer=f"avsr:{folder}")
    assert silent.reason == "nothing is heard, and no mouth is seen"


def test_a_run_is_called_by_its_own_name(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "seed3"
    (run / "run").mkdir(parents=True)
    shutil.copytree(folder, run / "run" / "model")
    for named in (run / "run", run / "run" / "model"):
        assert load_recognizer(named).name == "seed3"
    assert load_recognizer(folder).name == "nano"


def test_a_folder_that_is_none_damaged_or_of_another_size_is_refused(folder: Path, tmp_path: Path) -> None:
    quiet = SilentSound(Fraction(0), 16000)
    with pytest.raises(MissingModel, match="nowhere"):
        recognize_and_align(quiet, recognizer="avsr:nowhere")
    with pytest.raises(MissingModel, match="avsr:FOLDER"):
        recognize_and_align(quiet, recognizer="avsr")
    with pytest.raises(OptionError, match="takes no folder"):
        recognize_and_align(quiet, recognizer=f"pocketsphinx:{folder}")
    with pytest.raises(OptionError, match="say hf-ctc and name its checkpoint: --model me/mine"):
        recognize_and_align(quiet, recognizer="hf-ctc:me/mine")
    cut = tmp_path / "cut"
    cut.mkdir()
    weights = (folder / "model.safetensors").read_bytes()
    (cut / "config.json").write_bytes((folder / "config.json").read_bytes())
    for length in (0, 7, len(weights) // 2, len(weights) - 1):
        (cut / "model.safetensors").write_bytes(weights[:length])
        with pytest.raises(FormatError, match="model.safetensors"):
            load_recognizer(cut)
    (cut / "model.safetensors").write_bytes(weights)
    config = json.loads((folder / "config.json").read_text())
    config["parts"]["encoder"]["ffn"] = 96
    (cut / "config.json").write_text(json.dumps(config))
    with pytest.raises(FormatError, match="intermediate_dense"):
        load_recognizer(cut)


def test_a_folder_says_which_crops_it_sees(tmp_path: Path) -> None:
    assert mouths_of(tmp_path) == "mouth/96"
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(
        '{"genlock_schema": 1, "facts": {"mouth": "mouth:avhubert/96"}}'
    )
    assert mouths_of(tmp_path) == "mouth:avhubert/96"
    assert find.mouths_of(f"avsr:{tmp_path}", "en", False, "auto") == "mouth:avhubert/96"
    assert find.mouths_of("pocketsphinx", "en", False, f"avsr:{tmp_path}") == "mouth:avhubert/96"
