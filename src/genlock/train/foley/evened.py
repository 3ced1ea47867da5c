"""Networks that are normalised over the batch while they learn, as they answer when they learn no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["begin_evened", "evened_arrays"]

Array = npt.NDArray[np.float32]


def evened_arrays(
    network: nn.Module, evens: Mapping[str, Iterable[nn.Module]], prefixes: tuple[str, ...]
) -> dict[str, Array]:
    """Weights by name, with the normalisations in the weights of the convolutions before them.

    Parameters
    ----------
    network : with convolutions and their normalisations
    evens : for each list of convolutions the normalisations after them, ``nn.BatchNorm2d``
    prefixes : what the names of the normalisations begin with
    """
    found = {
        name: np.asarray(value.detach().cpu().numpy(), np.float32)
        for name, value in network.state_dict().items()
        if not name.startswith(prefixes)
    }
    for room, some in evens.items():
        for k, even in enumerate(some):
            scale, shift = _even(even)
            name = f"{room}.{k}"
            found[f"{name}.weight"] = found[f"{name}.weight"] * scale[:, None, None, None]
            found[f"{name}.bias"] = found[f"{name}.bias"] * scale + shift
    return found


@torch.no_grad()
def begin_evened(network: nn.Module, arrays: Mapping[str, Array], run: Callable[[], object]) -> None:
    """Give a network the weights that :func:`evened_arrays` made, so that it answers as they do, learning or not.

    What was in the normalisations went into the weights. So each normalisation is set to take away the mean and spread
    of what comes to it, and to give them back: of the examples that are run.

    Parameters
    ----------
    network : with normalisations ``nn.BatchNorm2d``
    arrays : all weights by name, but for the normalisations
    run : runs the network on some examples
    """
    own = network.state_dict()
    for name, array in arrays.items():
        own[name].copy_(torch.from_numpy(np.array(array, np.float32)))

    def set_to(even: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        assert isinstance(even, nn.BatchNorm2d)
        assert even.running_var is not None
        assert even.running_mean is not None
        mean = given[0].mean(dim=(0, 2, 3))
        spread = given[0].var(dim=(0, 2, 3), unbiased=False)
        even.running_mean.copy_(mean)
        even.running_var.copy_(spread)
        even.weight.copy_(torch.sqrt(spread + even.eps))
        even.bias.copy_(mean)

    evens = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    hooks = [even.register_forward_pre_hook(set_to) for even in evens]
    was = network.training
    network.eval()
    run()
    network.train(was)
    for hook in hooks:
        hook.remove()


def _even(even: nn.Module) -> tuple[Array, Array]:
    """By what a normalisation that learns no more multiplies, and what it adds."""
    assert isinstance(even, nn.BatchNorm2d)
    assert even.running_var is not None
    assert even.running_mean is not None
    scale = even.weight / torch.sqrt(even.running_var + even.eps)
    shift = even.bias - even.running_mean * scale
    return scale.detach().cpu().numpy(), shift.detach().cpu().numpy()
