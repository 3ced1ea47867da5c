"""BN-Inception (Ioffe & Szegedy 2015, figure 5), the network of TSN and RegNet: a picture to 1024 numbers.

Parameters bear the names of the public checkpoints (``inception_3a_double_3x3_1_bn.running_var``), so these load
by name. Pictures are BGR, 0...255, less :data:`BGR_MEANS`, 224 x 224. The flow network of TSN has ten input planes,
five pairs of x and y flow, 8 bits, less 128; RegNet's has two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genlock.core.errors import FormatError, MissingDependency, MissingModel

try:
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    raise MissingDependency(
        f"BN-Inception needs torch and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BGR_MEANS", "BLOCKS", "WIDTH", "BNInception", "Block", "load_bninception"]

#: What is taken off the blue, green and red of a picture.
BGR_MEANS = (104.0, 117.0, 128.0)
#: Numbers that the network gives for a picture.
WIDTH = 1024


@dataclass(frozen=True)
class Block:
    """One row of the published table: how many planes each branch of an inception block gives."""

    name: str
    """As in the names of the parameters, ``3a`` to ``5b``."""
    one: int
    """Planes of the 1x1 branch; 0: none."""
    three: tuple[int, int]
    """Planes of the 3x3 branch: its reduction, its result."""
    double: tuple[int, int]
    """Planes of the double 3x3 branch: its reduction, its result."""
    pool: str
    """What the last branch pools by: ``avg`` or ``max``."""
    projected: int
    """Planes of the pooled branch after its 1x1; 0: passed through, and the block halves the picture."""

    @property
    def stride(self) -> int:
        """2 where the block halves the picture, else 1."""
        return 1 if self.projected else 2


#: The blocks, first to last.
BLOCKS = (
    Block("3a", 64, (64, 64), (64, 96), "avg", 32),
    Block("3b", 64, (64, 96), (64, 96), "avg", 64),
    Block("3c", 0, (128, 160), (64, 96), "max", 0),
    Block("4a", 224, (64, 96), (96, 128), "avg", 128),
    Block("4b", 192, (96, 128), (96, 128), "avg", 128),
    Block("4c", 160, (128, 160), (128, 160), "avg", 128),
    Block("4d", 96, (128, 192), (160, 192), "avg", 128),
    Block("4e", 0, (128, 192), (192, 256), "max", 0),
    Block("5a", 352, (192, 320), (160, 224), "avg", 128),
    Block("5b", 352, (192, 320), (192, 224), "max", 128),
)


class BNInception(torch.nn.Module):
    """Features [N, 1024] of pictures [N, planes, 224, 224]; other sizes work, their last map is averaged whole.

    >>> net = BNInception()
    >>> tuple(net(torch.zeros(1, 3, 224, 224)).shape)
    (1, 1024)

    Parameters
    ----------
    planes : input planes: 3 for pictures, 10 for stacks of five flows, 2 for single ones
    """

    def __init__(self, planes: int = 3) -> None:
        super().__init__()
        self.planes = planes
        self._convolution("conv1_7x7_s2", planes, 64, 7, 2)
        self._convolution("conv2_3x3_reduce", 64, 64, 1)
        self._convolution("conv2_3x3", 64, 192, 3)
        width = 192
        for block in BLOCKS:
            width = self._block(block, width)
        self.eval().requires_grad_(False)

    def _convolution(self, name: str, planes: int, out: int, kernel: int, stride: int = 1) -> None:
        self.add_module(name, torch.nn.Conv2d(planes, out, kernel, stride, kernel // 2))
        self.add_module(f"{name}_bn", torch.nn.BatchNorm2d(out))

    def _block(self, block: Block, width: int) -> int:
        name = f"inception_{block.name}"
        if block.one:
            self._convolution(f"{name}_1x1", width, block.one, 1)
        self._convolution(f"{name}_3x3_reduce", width, block.three[0], 1)
        self._convolution(f"{name}_3x3", *block.three, 3, block.stride)
        self._convolution(f"{name}_double_3x3_reduce", width, block.double[0], 1)
        self._convolution(f"{name}_double_3x3_1", *block.double, 3)
        self._convolution(f"{name}_double_3x3_2", block.double[1], block.double[1], 3, block.stride)
        if block.projected:
            self._convolution(f"{name}_pool_proj", width, block.projected, 1)
        out = block.one + block.three[1] + block.double[1]
        return out + (block.projected or width)

    def _apply_convolution(self, name: str, values: Tensor) -> Tensor:
        normed = self.get_submodule(f"{name}_bn")(self.get_submodule(name)(values))
        return torch.relu(normed)

    def _apply_block(self, block: Block, values: Tensor) -> Tensor:
        name = f"inception_{block.name}"
        branches = []
        if block.one:
            branches.append(self._apply_convolution(f"{name}_1x1", values))
        for branch in (("3x3_reduce", "3x3"), ("double_3x3_reduce", "double_3x3_1", "double_3x3_2")):
            inner = values
            for part in branch:
                inner = self._apply_convolution(f"{name}_{part}", inner)
            branches.append(inner)
        if not block.projected:
            branches.append(torch.nn.functional.max_pool2d(values, 3, 2, ceil_mode=True))
        else:
            pool = torch.nn.functional.avg_pool2d if block.pool == "avg" else torch.nn.functional.max_pool2d
            branches.append(self._apply_convolution(f"{name}_pool_proj", pool(values, 3, 1, 1)))
        return torch.cat(branches, dim=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, planes, H, W] to [N, 1024]."""
        values = self._apply_convolution("conv1_7x7_s2", pictures)
        values = torch.nn.functional.max_pool2d(values, 3, 2, ceil_mode=True)
        values = self._apply_convolution("conv2_3x3_reduce", values)
        values = self._apply_convolution("conv2_3x3", values)
        values = torch.nn.functional.max_pool2d(values, 3, 2, ceil_mode=True)
        for block in BLOCKS:
            values = self._apply_block(block, values)
        return values.mean(dim=(2, 3))

    def __call__(self, pictures: Tensor) -> Tensor:
        """[N, planes, H, W] to [N, 1024]."""
        features: Tensor = super().__call__(pictures)
        return features


def load_bninception(path: str | Path) -> BNInception:
    """The network with the weights of a TSN or RegNet checkpoint.

    Parameters
    ----------
    path : safetensors, or a ``.pth`` of tensors only (read without running anything in it). Names may have
        prefixes (``module.base_model.``); what is not of this network (the classifier) is left out.

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is damaged, or lacks a parameter, or one has another shape.
    """
    if not Path(path).is_file():
        raise MissingModel(
            f"there is no file {str(path)!r}; save the weights of a TSN or RegNet checkpoint there"
        )
    found = _by_own_names(_tensors(Path(path)))
    first = found.get("conv1_7x7_s2.weight")
    if first is None or first.ndim != 4:
        raise FormatError(f"{str(path)!r} holds no weights of BN-Inception: conv1_7x7_s2.weight is missing")
    net = BNInception(first.shape[1])
    own = net.state_dict()
    wanted = [name for name in own if not name.endswith("num_batches_tracked")]
    missing = [name for name in wanted if name not in found]
    if missing:
        raise FormatError(f"{str(path)!r} lacks {len(missing)} parameters, such as {missing[0]!r}")
    # Checkpoints of torch 0.3 keep the statistics of batch norm as [1, C].
    loaded = {name: found[name].float() for name in wanted}
    for name, tensor in loaded.items():
        if tensor.numel() != own[name].numel():
            raise FormatError(
                f"{name} of {str(path)!r} is {list(tensor.shape)}, the network has {list(own[name].shape)}"
            )
        loaded[name] = tensor.reshape(own[name].shape)
    net.load_state_dict(loaded, strict=False)
    return net


def _tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        data = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged file raises whatever the reader meets in it, and torch's own error of what may not be unpickled.
    except Exception as error:
        raise FormatError(
            f"{str(path)!r} is damaged or holds more than tensors ({error}); fetch it again"
        ) from error
    inner = data.get("state_dict", data) if isinstance(data, Mapping) else None
    if not isinstance(inner, Mapping) or not all(isinstance(v, torch.Tensor) for v in inner.values()):
        raise FormatError(f"{str(path)!r} holds no tensors by name")
    return inner


def _by_own_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names from ``conv...`` or ``inception...`` on."""
    found = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        start = next(
            (k for k, p in enumerate(parts) if p.startswith(("conv1_", "conv2_", "inception_"))), None
        )
        if start is not None:
            found[".".join(parts[start:])] = tensor
    return found
