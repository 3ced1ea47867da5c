"""What a word says of itself in the report and the studio: its place, how sure it is, who says it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import genlock.report

PAGE = Path(genlock.report.__file__).parent / "page"


def shown(tmp_path: Path, word: dict[str, object]) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    shutil.copytree(PAGE, tmp_path / "page", dirs_exist_ok=True)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "check.js").write_text(
        # The page asks for a document as it is loaded; what is looked at here needs none.
        "const any = new Proxy(function () {}, { get: (_, k) => (k === Symbol.toPrimitive ? () => 0 : any), "
        "apply: () => any, construct: () => any, set: () => true });\n"
        "Object.assign(globalThis, { document: any, window: any, addEventListener: any, matchMedia: any });\n"
        'const { wordText } = await import("./page/timeline.js");\n'
        f"process.stdout.write(wordText({json.dumps(word)}, null));\n"
    )
    return subprocess.run([node, tmp_path / "check.js"], check=True, capture_output=True, text=True).stdout


def test_a_word_says_how_far_its_edges_can_be_trusted(tmp_path: Path) -> None:
    word = {"start": 1.5, "end": 1.75, "confidence": 0.9, "within_50ms": 0.871, "speaker": "face1"}
    text = shown(tmp_path, word)
    assert text.endswith("confidence 0.90, right to 50 ms with probability 0.87, said by face1")


@pytest.mark.parametrize("unknown", [{}, {"within_50ms": None, "speaker": None}])
def test_what_is_not_known_is_not_said(tmp_path: Path, unknown: dict[str, object]) -> None:
    assert shown(tmp_path, {"start": 1.5, "end": 1.75, "confidence": 0.9, **unknown}).endswith(
        "confidence 0.90"
    )
