"""Extractors by name: ``mel``, ``mel:kaldi``, ``mfcc:psf`` ... and those that other packages register."""

from __future__ import annotations

from typing import Any

from genlock.core.errors import GenlockError, OptionError, PluginError
from genlock.core.plugins import load_plugin, plugin_names
from genlock.extractors.sound.base import AudioExtractor

__all__ = ["GROUP", "extractor_specs", "make_extractor"]

#: The entry-point group. Each entry is a class with ``presets`` (name to options; the first is the default;
#: may be missing), made by ``Class(options)``, or by ``Class()`` where there are no presets.
GROUP = "genlock.extractors"


def make_extractor(spec: str, options: object | None = None) -> AudioExtractor:
    """The extractor that ``name`` or ``name:preset`` means.

    Parameters
    ----------
    spec : str
        A registered name, with a preset after a colon where another than the default one is meant.
    options : object, optional
        The extractor's own option object, instead of a preset.

    Raises
    ------
    OptionError
        If there is no such name or preset; the message lists what there is.
    PluginError
        If the package that registers the name is broken; the message says which it is.

    Examples
    --------
    >>> make_extractor("mel:kaldi").sample_rate, make_extractor("mel").sample_rate
    (16000, 22050)
    """
    name, colon, preset = spec.strip().partition(":")
    if name not in plugin_names(GROUP):
        raise OptionError(f"there is no feature {name!r}; there are: {', '.join(extractor_specs())}")
    made_by = load_plugin(GROUP, name)
    presets = _presets(name, made_by)
    if colon and preset not in presets:
        known = ", ".join(f"{name}:{key}" for key in presets) or f"only {name!r}, without presets"
        raise OptionError(f"the feature {name!r} has no preset {preset!r}; there are: {known}")
    if colon and options is not None:
        raise OptionError(f"{spec!r} names a preset, but options are given too; leave out one of them")
    if options is None:
        options = presets[preset] if colon else next(iter(presets.values()), None)
    try:
        extractor = made_by() if options is None else made_by(options)
    except GenlockError:
        raise
    # Third-party code may raise anything; it is told again with its origin.
    except Exception as error:
        raise PluginError(f"the feature {spec!r} of {made_by!r} cannot be made: {error}") from error
    if not isinstance(extractor, AudioExtractor):
        raise PluginError(f"the feature {spec!r} of {made_by!r} is not a genlock.extractors.AudioExtractor")
    return extractor


def extractor_specs() -> list[str]:
    """Every spec that :func:`make_extractor` takes, sorted; a name alone is its default preset.

    >>> {"mel", "mel:kaldi", "mfcc:psf", "onset"} <= set(extractor_specs())
    True
    """
    specs: list[str] = []
    for name in plugin_names(GROUP):
        specs.append(name)
        try:
            presets = _presets(name, load_plugin(GROUP, name))
        except PluginError:
            # A broken plugin still has a name; who asks for it gets the error.
            continue
        specs.extend(f"{name}:{preset}" for preset in presets)
    return specs


def _presets(name: str, made_by: Any) -> dict[str, Any]:
    presets = getattr(made_by, "presets", {})
    if not callable(made_by) or not hasattr(presets, "keys"):
        raise PluginError(
            f"the feature {name!r} is registered as {made_by!r}, which is not a class with presets"
        )
    return dict(presets)
