"""BN-Inception against an independent reading of the published table, and the names of public checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.core.errors import FormatError, MissingModel

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from genlock.models.bninception import BNInception, load_bninception  # noqa: E402

# Figure 5 of Ioffe & Szegedy (2015), copied as the paper prints it: #1x1, #3x3 reduce, #3x3, double #3x3 reduce,
# double #3x3, pool + proj; the widths are those after each row. 4c is 608 wide: the paper's own sum of its row
# says so although it prints 576, and so do the checkpoints.
TABLE = """
3a  64   64   64   64   96  avg+32    256
3b  64   64   96   64   96  avg+64    320
3c  0    128  160  64   96  max+0     576
4a  224  64   96   96   128 avg+128   576
4b  192  96   128  96   128 avg+128   576
4c  160  128  160  128  160 avg+128   608
4d  96   128  192  160  192 avg+128   608
4e  0    128  192  192  256 max+0     1056
5a  352  192  320  160  224 avg+128   1024
5b  352  192  320  192  224 max+128   1024
"""


def randomised(planes: int = 3) -> BNInception:
    torch.manual_seed(0)
    net = BNInception(planes)
    for name, tensor in net.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.2, 0.2)
    return net


def by_the_table(state: dict[str, torch.Tensor], picture: torch.Tensor) -> torch.Tensor:
    """The network written out with functions only, in float64."""
    state = {name: tensor.double() for name, tensor in state.items()}

    def conv(name: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        out = F.conv2d(x, weight, state[f"{name}.bias"], stride=stride, padding=weight.shape[-1] // 2)
        mean, var = state[f"{name}_bn.running_mean"], state[f"{name}_bn.running_var"]
        gain, shift = state[f"{name}_bn.weight"], state[f"{name}_bn.bias"]
        scale = gain / (var + 1e-5).sqrt()
        return (out * scale[:, None, None] + (shift - mean * scale)[:, None, None]).clamp(min=0)

    def halved(x: torch.Tensor) -> torch.Tensor:
        # Caffe rounds the size of a pooled map up: one row and column of -inf at the far edges.
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)

    x = halved(conv("conv1_7x7_s2", picture.double(), 2))
    assert x.shape[1:] == (64, 56, 56)
    x = halved(conv("conv2_3x3", conv("conv2_3x3_reduce", x)))
    assert x.shape[1:] == (192, 28, 28)
    for row in TABLE.split("\n"):
        if not row.strip():
            continue
        name, one, r3, n3, rd, nd, pool, width = row.split()
        kind, projected = pool.split("+")
        stride = 2 if projected == "0" else 1
        at = f"inception_{name}_"
        parts = [conv(at + "1x1", x)] if one != "0" else []
        parts.append(conv(at + "3x3", conv(at + "3x3_reduce", x), stride))
        double = conv(at + "double_3x3_1", conv(at + "double_3x3_reduce", x))
        parts.append(conv(at + "double_3x3_2", double, stride))
        assert state[at + "3x3_reduce.weight"].shape[0] == int(r3)
        assert state[at + "double_3x3_reduce.weight"].shape[0] == int(rd)
        assert (parts[-2].shape[1], parts[-1].shape[1]) == (int(n3), int(nd))
        if projected == "0":
            parts.append(halved(x))
        elif kind == "avg":
            weights = torch.full((x.shape[1], 1, 3, 3), 1 / 9, dtype=torch.float64)
            parts.append(conv(at + "pool_proj", F.conv2d(x, weights, padding=1, groups=x.shape[1])))
        else:
            padded = F.pad(x, (1, 1, 1, 1), value=-torch.inf)
            parts.append(conv(at + "pool_proj", F.max_pool2d(padded, 3, 1)))
        x = torch.cat(parts, 1)
        assert x.shape[1] == int(width)
    assert x.shape[2:] == (7, 7)
    return x.mean((2, 3))


@pytest.mark.parametrize("planes", [3, 10])
def test_equals_the_published_table(planes: int) -> None:
    net = randomised(planes)
    picture = torch.randn(2, planes, 224, 224) * 60
    found, wanted = net(picture).double(), by_the_table(net.state_dict(), picture)
    assert found.shape == (2, 1024)
    assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()
    assert found.std() > 0.01


def test_names_and_sizes_are_those_of_the_public_checkpoint() -> None:
    state = BNInception().state_dict()
    weights = sum(t.numel() for n, t in state.items() if n.endswith((".weight", ".bias")))
    # The public ImageNet checkpoint has 11,295,240 parameters, of which its classifier has 1024 x 1000 + 1000.
    assert weights == 11_295_240 - 1_025_000
    for name, shape in {
        "conv1_7x7_s2.weight": (64, 3, 7, 7),
        "conv2_3x3_reduce_bn.running_mean": (64,),
        "inception_3a_double_3x3_2_bn.running_var": (96,),
        "inception_3c_3x3.weight": (160, 128, 3, 3),
        "inception_4c_pool_proj.bias": (128,),
        "inception_4e_double_3x3_2.weight": (256, 256, 3, 3),
        "inception_5b_1x1.weight": (352, 1024, 1, 1),
    }.items():
        assert tuple(state[name].shape) == shape


def test_loads_a_checkpoint_by_name_whatever_its_prefix(tmp_path: Path) -> None:
    net = randomised(10)
    own = {n: t for n, t in net.state_dict().items() if "num_batches" not in n}
    old = {f"module.base_model.{n}": t[None] if "running" in n else t for n, t in own.items()}
    old["module.new_fc.weight"] = torch.zeros(5, 1024)
    torch.save({"epoch": 3, "state_dict": old}, tmp_path / "tsn.pth")
    save_file({n: t.contiguous() for n, t in own.items()}, str(tmp_path / "tsn.safetensors"))
    stack = torch.randn(1, 10, 224, 224)
    for file in ("tsn.pth", "tsn.safetensors"):
        assert torch.equal(load_bninception(tmp_path / file)(stack), net(stack))


def test_bad_checkpoints_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"nothing\.pth"):
        load_bninception(tmp_path / "nothing.pth")
    (tmp_path / "bad.pth").write_bytes(b"garbage")
    with pytest.raises(FormatError, match=r"bad\.pth"):
        load_bninception(tmp_path / "bad.pth")
    (tmp_path / "bad.safetensors").write_bytes(b"garbage")
    with pytest.raises(FormatError, match=r"bad\.safetensors"):
        load_bninception(tmp_path / "bad.safetensors")
    own = {n: t.contiguous() for n, t in BNInception().state_dict().items()}
    del own["inception_4a_1x1.bias"]
    save_file(own, str(tmp_path / "part.safetensors"))
    with pytest.raises(FormatError, match="inception_4a_1x1.bias"):
        load_bninception(tmp_path / "part.safetensors")
    own = {n: t.contiguous() for n, t in BNInception().state_dict().items()}
    own["inception_4a_1x1.bias"] = torch.zeros(3)
    save_file(own, str(tmp_path / "shape.safetensors"))
    with pytest.raises(FormatError, match="inception_4a_1x1.bias"):
        load_bninception(tmp_path / "shape.safetensors")


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "boom",))  # type: ignore[return-value]

    torch.save({"conv1_7x7_s2.weight": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(FormatError):
        load_bninception(tmp_path / "bomb.pth")
    assert not (tmp_path / "boom").exists()
