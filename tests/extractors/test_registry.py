"""Features by name, from our package and from others; a broken package is an error with its origin."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from genlock.core.errors import MissingModel, OptionError, PluginError
from genlock.core.plugins import load_plugin, plugin_names
from genlock.extractors import Mel, extractor_specs, make_extractor

GROUP = "genlock.features"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Lays a package with entry points on the path, as an installer would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def lay(distribution: str, module: str, source: str, entries: dict[str, str]) -> None:
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        info = tmp_path / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        lines = [f"[{GROUP}]", *(f"{name} = {target}" for name, target in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    return lay


def test_the_built_in_ones_register_as_any_other() -> None:
    assert {"mel", "mfcc", "energy", "onset"} <= set(plugin_names(GROUP))
    assert load_plugin(GROUP, "mel") is Mel


def test_every_spec_makes_an_extractor_of_that_name() -> None:
    for spec in extractor_specs():
        name, _, preset = spec.partition(":")
        if (
            name == "ssl" and find_spec("transformers") is None
        ):  # its model of our own needs the extra `models`
            continue
        if name in ("avhubert", "deepspeech", "rgb", "flow-features"):
            with pytest.raises(MissingModel, match=f"name (them|the file), as {name}:FILE"):
                make_extractor(spec)
            continue
        if name == "sound":
            with pytest.raises(OptionError, match="say sound@16000"):
                make_extractor(spec)
            continue
        extractor = make_extractor(spec)
        assert extractor.name in (spec, name)
        assert extractor.name == spec or preset == next(iter(type(extractor).presets))


def test_what_does_not_exist() -> None:
    with pytest.raises(OptionError, match=r"no feature 'mell'; did you mean 'mel'\?"):
        make_extractor("mell")
    with pytest.raises(OptionError, match=r"no feature 'xyzzy'; there are: .*mel:kaldi"):
        make_extractor("xyzzy")
    with pytest.raises(OptionError, match=r"no preset 'htk'; there are: mel:librosa, mel:kaldi"):
        make_extractor("mel:htk")
    with pytest.raises(OptionError, match="not NAME"):
        make_extractor("mel:")


def test_another_package_brings_an_extractor(install) -> None:  # type: ignore[no-untyped-def]
    source = "from genlock.extractors import Energy\nclass Loud(Energy):\n    presets = {}\n"
    install("loudness", "loudness_plugin", source, {"loud": "loudness_plugin:Loud"})
    assert "loud" in extractor_specs()
    assert make_extractor("loud").sample_rate == 16000
    with pytest.raises(OptionError, match="only 'loud', without presets"):
        make_extractor("loud:er")


def test_a_broken_package_says_where_it_comes_from(install) -> None:  # type: ignore[no-untyped-def]
    install(
        "brokenness",
        "broken_plugin",
        "raise RuntimeError('no licence')\n",
        {"rotten": "broken_plugin:Rotten"},
    )
    with pytest.raises(PluginError, match=r"brokenness 1\.2 \(broken_plugin:Rotten\).*no licence"):
        make_extractor("rotten")
    # The others still work, and the broken one is listed.
    assert "rotten" in extractor_specs()
    assert make_extractor("mfcc").name == "mfcc"


def test_a_package_that_registers_something_else(install) -> None:  # type: ignore[no-untyped-def]
    install(
        "strangeness",
        "strange_plugin",
        "thing = 3\nmake = dict\n",
        {"s1": "strange_plugin:thing", "s2": "strange_plugin:make"},
    )
    for name in ("s1", "s2"):
        with pytest.raises(PluginError, match=name):
            make_extractor(name)


def test_two_packages_under_one_name(install) -> None:  # type: ignore[no-untyped-def]
    install("impostor", "impostor_plugin", "class Mel: pass\n", {"mel": "impostor_plugin:Mel"})
    with pytest.raises(PluginError, match=r"registered twice, by .*impostor 1\.2"):
        make_extractor("mel")
