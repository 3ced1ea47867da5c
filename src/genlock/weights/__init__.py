"""The registry of model files: what there is, where it is from, whether it is here, and how to get it.

>>> from genlock import weights
>>> weights.find("pocketsphinx-en-us").name
'en-us'
"""

from genlock.weights.registry import (
    FetchResult,
    Model,
    ModelFile,
    ModelStatus,
    Registry,
    Verification,
    default_registry,
    fetch,
    find,
    list_models,
    require,
    verify,
)
from genlock.weights.sources import FetchProgress

__all__ = [
    "FetchProgress",
    "FetchResult",
    "Model",
    "ModelFile",
    "ModelStatus",
    "Registry",
    "Verification",
    "default_registry",
    "fetch",
    "find",
    "list_models",
    "require",
    "verify",
]
