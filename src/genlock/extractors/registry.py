"""Features by name: ``mel``, ``mel:kaldi``, ``mouth/96``, ``flow`` ... and those that other packages register."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from genlock.core.errors import GenlockError, OptionError, PluginError
from genlock.core.plugins import did_you_mean, load_plugin, plugin_names
from genlock.extractors.base import Feature
from genlock.extractors.spec import FeatureSpec

__all__ = ["FILE_FORMS", "GROUP", "extractor_specs", "feature_class", "make_extractor"]

#: The entry-point group. Each entry is a class derived from :class:`~genlock.extractors.base.Feature`.
GROUP = "genlock.features"
#: What only ``genlock prepare`` makes, because it is no Track, and where to look instead.
FILE_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "video": "a film in a dataset; frames@25/96 gives the pictures as a Track",
        "offset": "a column of a dataset's index; genlock sync measures it",
        "words": "a column of a dataset's index; genlock words finds them",
    }
)


def make_extractor(spec: str | FeatureSpec, options: object | None = None) -> Feature:
    """The feature that a spec means, ready to be fed.

    Parameters
    ----------
    spec : str
        ``name[:preset][#part][@rate][/size]``, see :mod:`genlock.extractors.spec`.
    options : object, optional
        The feature's own option object, instead of a preset.

    Raises
    ------
    OptionError
        If there is no such name or preset; the message lists what there is.
    MissingModel
        If it needs a model that is not here.
    PluginError
        If the package that registers the name is broken; the message says which it is.

    Examples
    --------
    >>> make_extractor("mel:kaldi").sample_rate, make_extractor("mouth/48").name
    (16000, 'mouth/48')
    """
    wanted = FeatureSpec.parse(spec) if isinstance(spec, str) else spec
    made_by = feature_class(wanted)
    if options is not None and wanted != FeatureSpec(wanted.name):
        raise OptionError(f"{wanted.text!r} says how, but options are given too; leave out one of them")
    try:
        return made_by.of_spec(wanted) if options is None else made_by(options)  # type: ignore[call-arg]
    except GenlockError:
        raise
    # Third-party code may raise anything; it is told again with its origin.
    except Exception as error:
        raise PluginError(f"the feature {wanted.text!r} of {made_by!r} cannot be made: {error}") from error


def extractor_specs() -> list[str]:
    """Every name and every name with a preset, sorted; a name alone is its default preset.

    >>> {"mel", "mel:kaldi", "mfcc:psf", "onset", "mouth", "flow:tvl1"} <= set(extractor_specs())
    True
    """
    specs: list[str] = []
    for name in plugin_names(GROUP):
        specs.append(name)
        try:
            presets = feature_class(FeatureSpec(name)).presets
        except PluginError:
            # A broken plugin still has a name; who asks for it gets the error.
            continue
        specs.extend(f"{name}:{preset}" for preset in presets)
    return specs


def feature_class(spec: FeatureSpec) -> type[Feature]:
    """The class that is registered under a spec's name.

    Raises OptionError if there is none, PluginError if what is registered is broken.
    """
    if spec.name not in plugin_names(GROUP):
        form = FILE_FORMS.get(spec.name)
        if form is not None:
            raise OptionError(f"{spec.text!r} is no feature but {form}")
        known = extractor_specs()
        near = did_you_mean(spec.name, plugin_names(GROUP)).removeprefix("; ")
        raise OptionError(f"there is no feature {spec.name!r}; {near or 'there are: ' + ', '.join(known)}")
    made_by = load_plugin(GROUP, spec.name)
    if not (isinstance(made_by, type) and issubclass(made_by, Feature)):
        raise PluginError(
            f"the feature {spec.name!r} is registered as {made_by!r}, which is not a class of "
            "genlock.extractors.Feature"
        )
    return made_by
