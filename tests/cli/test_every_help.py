"""Every recipe and every model of it says how it is called."""

from __future__ import annotations

import pytest

from genlock.cli import main
from genlock.core.plugins import plugin_names
from genlock.train.registry import GROUP, find_recipe


@pytest.mark.parametrize(
    ("recipe", "model"),
    [(name, model) for name in plugin_names(GROUP) for model in (find_recipe(name).models or {None: None})],
)
def test_a_recipe_says_how_it_is_called(
    recipe: str, model: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", recipe, *([] if model is None else ["--model", model]), "--help"]
    try:
        status = main(words)
    except SystemExit as end:
        status = int(end.code or 0)
    assert status == 0
    assert f"genlock train {recipe}" in capsys.readouterr().out
