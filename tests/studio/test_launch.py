"""What is said where the studio cannot open: no extra, no folder, a folder or an address that is taken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from genlock.core.errors import InputError, MissingDependency
from genlock.studio import StudioOptions, run_studio
from genlock.studio.folder import StudioFolder
from genlock.studio.launch import _alone, address_of, listen


def test_without_the_extra_one_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingDependency, match=r"pip install 'genlock\[studio\]'"):
        run_studio(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_has_one_studio(tmp_path: Path) -> None:
    folder = StudioFolder(tmp_path)
    with _alone(folder), pytest.raises(InputError, match="another studio"), _alone(folder):
        pass
    with _alone(folder):
        pass


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        StudioFolder(tmp_path / "nowhere")


def test_it_listens_on_this_machine_and_says_where() -> None:
    with listen(StudioOptions(port=0)) as door:
        host, port = door.getsockname()
        assert host == "127.0.0.1"
        assert address_of(host, door, None) == f"http://127.0.0.1:{port}/"
        assert address_of("0.0.0.0", door, "word").endswith(f":{port}/?token=word")
        with pytest.raises(InputError, match="choose another with --port"), listen(StudioOptions(port=port)):
            pass
