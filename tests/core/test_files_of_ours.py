"""Files of ours: round trips, equal bytes, damage, old files, and targets that cannot be written."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genlock
from genlock.core import Grid, Span, Spans, Ticks, Track, Warp, files, json_forms, track_file
from genlock.core.errors import FormatError, OutputError

from .strategies import grids, spans, ticks, tracks, warps

OLD = Path(__file__).parent / "old_files"
TRACK = Track(
    np.arange(6, dtype=np.float32).reshape(3, 2),
    Grid("29.97", "79/32000", "media:a#01234567"),
    np.array([True, False, True]),
    "mel",
    "dB",
    Fraction(1, 40),
    "whole",
)


def same(a: Track, b: Track) -> bool:
    return (
        (a.grid, a.name, a.unit, a.support, a.context) == (b.grid, b.name, b.unit, b.support, b.context)
        and a.values.dtype == b.values.dtype
        and a.values.shape == b.values.shape
        and a.values.tobytes() == b.values.tobytes()
        and a.valid.tolist() == b.valid.tolist()
    )


# ---------------------------------------------------------------- round trips


@settings(max_examples=60)
@given(track=tracks(), name=st.text(max_size=8), support=st.just("whole") | st.fractions(0, 3))
def test_tracks_come_back_whole(
    tmp_path_factory: pytest.TempPathFactory, track: Track, name: str, support: object
) -> None:
    path = tmp_path_factory.mktemp("t") / "a.npz"
    track = Track(track.values, track.grid, track.valid, name, "Hz", support)  # type: ignore[arg-type]
    track_file.save_track(track, path)
    assert same(track_file.load_track(path), track)


@given(grids() | ticks())
def test_cells_come_back(cells: Grid | Ticks) -> None:
    assert json_forms.cells_from_dict(json.loads(json_forms.dump_json(cells.to_dict()))) == cells


@given(spans(), warps())
def test_spans_and_warps_come_back(items: Spans, warp: Warp) -> None:
    assert json_forms.spans_from_dict(json.loads(json_forms.dump_json(items.to_dict()))) == items
    assert json_forms.warp_from_dict(json.loads(json_forms.dump_json(warp.to_dict()))) == warp


def test_equal_tracks_are_equal_files(tmp_path: Path) -> None:
    fortran = Track(np.asfortranarray(TRACK.values), TRACK.grid, TRACK.valid, "mel", "dB", Fraction(1, 40))
    for name, track in (("a.npz", TRACK), ("b.npz", TRACK), ("c.npz", fortran)):
        track_file.save_track(track, tmp_path / name)
    assert len({(tmp_path / n).read_bytes() for n in ("a.npz", "b.npz", "c.npz")}) == 1
    for name in ("a.json", "b.json"):
        json_forms.write_json(tmp_path / name, Warp.sync("0.04", 20).to_dict())
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_numpy_reads_our_tracks(tmp_path: Path) -> None:
    track_file.save_track(TRACK, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive["values"].tolist() == TRACK.values.tolist()


def test_half_a_surrogate_in_a_name_survives(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")  # a file name that is not UTF-8
    json_forms.write_json(tmp_path / "a.json", {"file": name})
    assert json_forms.read_json_file(tmp_path / "a.json")["file"] == name
    track_file.save_track(Track(np.zeros(1), Grid(25), name=name), tmp_path / "a.npz")
    assert track_file.load_track(tmp_path / "a.npz").name == name


def test_json_takes_our_kinds_and_refuses_nan(tmp_path: Path) -> None:
    data = {
        "a": Fraction(1, 3),
        "b": np.float32(0.5),
        "c": np.arange(2),
        "d": Path("x"),
        "e": Span(0, 1, "a"),
        "f": "é",
    }
    assert json.loads(json_forms.dump_json(data))["c"] == [0, 1]
    with pytest.raises(ValueError, match="Out of range|JSON compliant"):
        json_forms.dump_json({"a": float("nan")})
    with pytest.raises(TypeError, match="no JSON form"):
        json_forms.dump_json({"a": object()})
    assert json_forms.finite_or_none(2.0) == 2.0
    json_forms.write_json(tmp_path / "a.json", data)
    assert next(iter(json_forms.read_json_file(tmp_path / "a.json"))) == "genlock_schema"


# ---------------------------------------------------------------- old files


def test_old_tracks_still_open() -> None:
    assert same(track_file.load_track(OLD / "track-grid-1.npz"), TRACK)
    variable = Track(
        np.array([1, 2, 3], np.int16), Ticks([0, 40, 73], "1/1000", 33), name="onset", support="whole"
    )
    assert same(track_file.load_track(OLD / "track-ticks-1.npz"), variable)


def test_old_json_still_opens() -> None:
    def old(name: str) -> dict[str, object]:
        return json_forms.read_json_file(OLD / name)

    assert json_forms.cells_from_dict(old("grid-1.json")) == Grid("29.97", "79/32000", "media:a#01234567")
    assert json_forms.cells_from_dict(old("ticks-1.json")) == Ticks([0, 40, 73], "1/1000", 33)
    assert json_forms.spans_from_dict(old("spans-1.json")) == Spans(
        [Span(0, "0.4", "bin", 0.5), Span("0.5", 1, "über")], "media:a#01234567", "words"
    )
    assert json_forms.warp_from_dict(old("warp-1.json")) == Warp(
        [(0, 0), (1, 1), (3, 1), ("7/2", "3/2"), ("7/2", 2)], None, "1001/1000", "sound", "picture"
    )


# ---------------------------------------------------------------- damage


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    track_file.save_track(TRACK, tmp_path / "whole.npz")
    return (tmp_path / "whole.npz").read_bytes()


def opened(path: Path, data: bytes) -> Track:
    path.write_bytes(data)
    return track_file.load_track(path)


def test_a_track_cut_short_anywhere_is_refused(tmp_path: Path, whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(FormatError):
            opened(tmp_path / "cut.npz", whole[:length])


def test_a_track_with_any_byte_changed_is_refused_or_the_same(tmp_path: Path, whole: bytes) -> None:
    """Only bytes that mean nothing (dates, rights, versions in the zip's lists) may change unseen."""
    unseen = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:
            track = opened(tmp_path / "damaged.npz", bytes(damaged))
        except FormatError:
            continue
        assert same(track, TRACK)
        unseen += 1
    assert unseen < len(whole) / 4


def test_json_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    text = (OLD / "warp-1.json").read_bytes()
    for length in range(len(text) - 1):
        (tmp_path / "cut.json").write_bytes(text[:length])
        with pytest.raises(FormatError):
            json_forms.read_json_file(tmp_path / "cut.json")


NOT_OURS = ["{", "[1]", "3", '{"a": 1}', "[" * 100_000]
NOT_OURS += [f'{{"genlock_schema": {wrong}}}' for wrong in ('"1"', "true", "0", "1e999", "null")]


@pytest.mark.parametrize("text", NOT_OURS)
def test_what_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="'here'"):
        json_forms.load_json(text, "'here'")


def test_a_newer_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="schema 2.*newer genlock"):
        json_forms.load_json('{"genlock_schema": 2}', "'here'")
    header = json.dumps({"genlock_schema": 99}).encode()
    np.savez(
        tmp_path / "new.npz",
        header=np.frombuffer(header, np.uint8),
        values=np.zeros(1),
        valid=np.ones(1, bool),
    )
    with pytest.raises(FormatError, match="schema 99.*newer genlock"):
        track_file.load_track(tmp_path / "new.npz")


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("it-went-off",)


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    header = np.frombuffer(b'{"genlock_schema": 1}', np.uint8)
    objects = np.array([Bomb()], dtype=object)
    np.savez("objects.npz", header=header, values=objects, valid=np.ones(1, bool))
    Path("bare.npz").write_bytes(pickle.dumps(Bomb()))
    np.save("array.npy", np.zeros(3))
    for name in ("objects.npz", "bare.npz", "array.npy"):
        with pytest.raises(FormatError):
            track_file.load_track(name)
    assert not Path("it-went-off").exists()
    assert pickle.loads(Path("bare.npz").read_bytes()) is None  # the bomb is a real one  # noqa: S301
    assert Path("it-went-off").exists()


def test_no_pickle_in_the_package() -> None:
    root = Path(genlock.__file__).parent
    for path in root.rglob("*.py"):
        text = path.read_text()
        # The one reader of others' checkpoints builds nothing that a pickle names.
        assert "import pickle" not in text or path == root / "models" / "inert_pickle.py"
        assert "allow_pickle=True" not in text


@pytest.mark.parametrize(
    "change", [{"rate": "x"}, {"rate": None}, {"kind": "circle"}, {"start": []}, {"clock": ""}]
)
def test_a_damaged_grid_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(FormatError, match="grid or ticks"):
        json_forms.cells_from_dict({**Grid(25).to_dict(), **change})


@pytest.mark.parametrize(
    "change",
    [{"pts": [0, 2**70]}, {"pts": "abc"}, {"pts": [3, 1]}, {"last_duration": 0}, {"time_base": "1/0"}],
)
def test_damaged_ticks_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        json_forms.cells_from_dict({**Ticks([0, 2], "1/10", 1).to_dict(), **change})


BACKWARD = {"kind": "spans", "items": [{"start": 2, "end": 1, "label": ""}], "clock": "a", "name": ""}


@pytest.mark.parametrize(
    "data",
    [{}, {"kind": "spans"}, {"kind": "warp"}, {"kind": "warp", "knots": [[0]]}, {"kind": "grid"}, BACKWARD],
)
def test_damaged_descriptions_are_refused(data: dict[str, object]) -> None:
    for read in (json_forms.cells_from_dict, json_forms.spans_from_dict, json_forms.warp_from_dict):
        with pytest.raises(FormatError):
            read(data)


@pytest.mark.parametrize("change", [{"support": "many"}, {"support": "-1"}, {"grid": 5}, {"grid": None}])
def test_a_damaged_header_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    header = {
        "genlock_schema": 1,
        "name": "",
        "unit": "",
        "support": "0",
        "context": "",
        "grid": Grid(25).to_dict(),
    }
    text = json.dumps({**header, **change}).encode()
    np.savez(
        tmp_path / "a.npz", header=np.frombuffer(text, np.uint8), values=np.zeros(1), valid=np.ones(1, bool)
    )
    with pytest.raises(FormatError, match="damaged header"):
        track_file.load_track(tmp_path / "a.npz")


def test_a_track_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(OLD / "track-grid-1.npz") as old, zipfile.ZipFile(tmp_path / "huge.npz", "w") as new:
        new.writestr("header.npy", old.read("header.npy"))
        new.writestr("valid.npy", old.read("valid.npy"))
        modest, huge = b"'shape': (3, 2), }            ", b"'shape': (9999999999999, 2), }"
        assert modest in old.read("values.npy")
        new.writestr("values.npy", old.read("values.npy").replace(modest, huge))
    with pytest.raises(FormatError):
        track_file.load_track(tmp_path / "huge.npz")


def test_a_member_that_is_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(OLD / "track-grid-1.npz") as old, zipfile.ZipFile(tmp_path / "long.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) + (b"x" if name == "values.npy" else b""))
    with pytest.raises(FormatError, match="longer than it says"):
        track_file.load_track(tmp_path / "long.npz")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no file.*missing.npz"):
        track_file.load_track(tmp_path / "missing.npz")
    with pytest.raises(FormatError, match="missing.json"):
        json_forms.read_json_file(tmp_path / "missing.json")
    for read in (track_file.load_track, json_forms.read_json_file):
        with pytest.raises(FormatError):
            read(tmp_path)
        with pytest.raises(FormatError):
            read("a\0b")


# ---------------------------------------------------------------- targets


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.txt"
    with files.atomic_path(target) as path:
        path.write_text("one")
        assert path.suffix == ".txt"
        assert not target.exists()
    assert target.read_text() == "one"
    files.write_text(target, "two\r\n")
    assert target.read_bytes() == b"two\r\n"
    assert os.listdir(target.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), ValueError("no")])
def test_a_block_that_fails_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "old.txt").write_text("old")
    for target in (tmp_path / "old.txt", tmp_path / "new" / "folder" / "new.txt"):
        with pytest.raises(type(error)), files.atomic_path(target) as path:  # noqa: PT012
            path.write_text("half")
            raise error
    assert os.listdir(tmp_path) == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_a_block_that_cannot_read_something_else_says_so_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="input"), files.atomic_path(tmp_path / "out.txt"):
        (tmp_path / "input").read_text()
    assert os.listdir(tmp_path) == []


def test_rights_and_links_stay(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
    (tmp_path / "link.txt").symlink_to("a.txt")
    files.write_text(tmp_path / "link.txt", "b")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "b"


BELOW_A_FILE = "plain/below.txt"


@pytest.mark.parametrize(
    "target", [BELOW_A_FILE, "folder", "x" * 300, "a\0b.txt", "/proc/genlock.txt", "/dev/full", "/dev/null"]
)
def test_targets_that_cannot_be_written(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if target.startswith("/") and not Path(target).parent.is_dir():
        pytest.skip("this system has no such folder")
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text("a file")
    Path("folder").mkdir()
    for write in (
        lambda: files.write_text(target, "a"),
        lambda: track_file.save_track(TRACK, target),
        lambda: json_forms.write_json(target, {}),
    ):
        with pytest.raises(OutputError, match="cannot write") as caught:
            write()
        assert repr(target) in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["folder", "plain"]
    assert os.listdir("folder") == []
    if target.startswith("/dev"):
        assert Path(target).is_char_device()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    """The kernel refuses bytes beyond a limit, in the middle of the file."""
    script = textwrap.dedent("""
        import resource, signal, sys
        import numpy as np
        from genlock.core import Grid, Track, files, json_forms, track_file
        from genlock.core.errors import OutputError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        for write in (lambda t: track_file.save_track(Track(np.zeros(10**6), Grid(25)), t),
                      lambda t: files.write_text(t, "a" * 10**6)):
            try:
                write(sys.argv[1])
            except OutputError as error:
                print(error)
    """)
    (tmp_path / "old.npz").write_text("old")
    for target in (tmp_path / "old.npz", tmp_path / "deep" / "new.npz"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True
        )
        assert done.stdout.count("cannot write") == 2
        assert done.stdout.count("File too large") == 2
    assert os.listdir(tmp_path) == ["old.npz"]
    assert (tmp_path / "old.npz").read_text() == "old"
