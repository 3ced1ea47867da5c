"""Checkpoints of others are read without running anything; hostile ones do nothing and are told."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from genlock.core.errors import FormatError, MissingModel
from genlock.models.inert_pickle import StoredTensor, Stub, plain, read_inert


def archive(path: Path, pickled: bytes, **members: bytes) -> Path:
    """A file of torch.save's form with a pickle of our own making."""
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("x/data.pkl", pickled)
        for name, data in members.items():
            out.writestr(f"x/data/{name.removeprefix('m')}", data)
    return path


class Calls:
    """Pickled as a call of something."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("legacy", [False, True])
def test_what_torch_saves_is_read(legacy: bool, tmp_path: Path) -> None:
    wide = torch.arange(24.0).reshape(4, 6)
    saved = {
        "model": OrderedDict(
            a=wide, turned=wide.T, part=wide[1:3, 2:], whole=torch.tensor(7), none=torch.zeros(0, 3)
        ),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "plain": [1, 2.5, "text", None, True, (1, 2), {3, 4}, b"bytes"],
        "types": [torch.ones(3, dtype=t) for t in (torch.float16, torch.bfloat16, torch.int32, torch.bool)],
        "args": argparse.Namespace(width=768),
        "shape": wide.shape,
    }
    torch.save(saved, tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    found = read_inert(tmp_path / "x.pt")
    for name, tensor in saved["model"].items():
        stored = found["model"][name]
        assert isinstance(stored, StoredTensor)
        assert stored.shape == tuple(tensor.shape)
        assert torch.equal(stored.read(), tensor)
    assert torch.equal(found["parameter"].read(), torch.ones(2))
    assert found["plain"] == saved["plain"]
    for stored, tensor in zip(found["types"], saved["types"], strict=True):
        assert torch.equal(stored.read(), tensor)
    assert plain(found["args"]) == {"width": 768}
    assert tuple(found["shape"]) == (4, 6)


def test_other_classes_are_inert_and_remember(tmp_path: Path) -> None:
    target = tmp_path / "made by the pickle"
    calls = [
        Calls(os.mkdir, str(target)),
        Calls(os.system, f"mkdir '{target}'"),
        Calls(eval, f"__import__('os').mkdir({str(target)!r})"),
        Calls(exec, f"import os; os.mkdir({str(target)!r})"),
        Calls(getattr, os, "mkdir"),
        Calls(open, str(target), "w"),
    ]
    for call in calls[:4] + calls[5:]:
        found = read_inert(archive(tmp_path / "x.pt", pickle.dumps({"a": call})))
        assert isinstance(found["a"], Stub)
        assert found["a"].kind.split(".")[-1] == call.call[0].__name__
        assert found["a"].given[0]
        assert not target.exists()


def test_chains_of_calls_reach_nothing(tmp_path: Path) -> None:
    # getattr(os, "mkdir")(target), written by hand: what a call gives is called again.
    target = tmp_path / "made"
    text = (
        b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n(Vos\ntRVmkdir\ntR(V" + str(target).encode() + b"\ntR."
    )
    found = read_inert(archive(tmp_path / "x.pt", text))
    assert isinstance(found, Stub)
    assert not target.exists()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        pickle.loads(text)  # noqa: S301 - what an ordinary reader would have done
    assert target.exists()


def test_what_is_given_cannot_be_changed(tmp_path: Path) -> None:
    """A pickle may fill the attributes of whatever is on its stack: of a class, of a function, of a tensor."""
    before = OrderedDict.__init__
    fill = b"ccollections\nOrderedDict\n(NS'__init__'\nNtb."  # BUILD with a dict of slots, cut wrong
    with pytest.raises(FormatError):
        read_inert(archive(tmp_path / "x.pt", fill))
    state = b"}(V__defaults__\nI1\nVnew\nI2\nu"
    for module, name in ((b"collections", b"OrderedDict"), (b"torch._utils", b"_rebuild_tensor_v2")):
        read_inert(archive(tmp_path / "x.pt", b"c" + module + b"\n" + name + b"\n" + state + b"b."))
    assert OrderedDict.__init__ is before
    assert not hasattr(OrderedDict, "new")
    tensor = pickle_of_tensor(count=4, shape=(4,), stride=(1,))
    changed = tensor[:-1] + b"}(Vshape\n(I9999999\nI9999999\ntub."
    with pytest.raises(FormatError, match="changes a tensor"):
        read_inert(archive(tmp_path / "x.pt", changed, m0=bytes(16)))


def pickle_of_tensor(
    count: Any, shape: Any, stride: Any, offset: Any = 0, kind: bytes = b"FloatStorage"
) -> bytes:
    def number(n: Any) -> bytes:
        return b"I%d\n" % n if isinstance(n, int) else b"V" + str(n).encode() + b"\n"

    several = [b"(" + b"".join(map(number, each)) + b"t" for each in (shape, stride)]
    storage = b"(Vstorage\nctorch\n" + kind + b"\nV0\nVcpu\n" + number(count) + b"tQ"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + number(offset)
        + several[0]
        + several[1]
        + b"I00\nNtR."
    )


@pytest.mark.parametrize(
    "tensor",
    [
        {"count": 4, "shape": (5,), "stride": (1,)},
        {"count": 4, "shape": (2,), "stride": (1,), "offset": 3},
        {"count": 4, "shape": (2,), "stride": (-1,), "offset": 3},
        {"count": 4, "shape": (100_000, 100_000), "stride": (0, 0)},
        {"count": 4, "shape": (2, 2), "stride": (1,)},
        {"count": 4, "shape": ("many",), "stride": (1,)},
        {"count": 1 << 60, "shape": (2,), "stride": (1,)},
        {"count": -1, "shape": (2,), "stride": (1,)},
        {"count": 4, "shape": (2,), "stride": (1,), "kind": b"UntypedStorage"},
    ],
)
def test_tensors_that_do_not_lie_in_their_storage(tensor: dict[str, Any], tmp_path: Path) -> None:
    file = archive(tmp_path / "x.pt", pickle_of_tensor(**tensor), m0=bytes(16))
    with pytest.raises(FormatError, match=r"x\.pt"):
        read_inert(file)


def test_a_tensor_that_does(tmp_path: Path) -> None:
    file = archive(tmp_path / "x.pt", pickle_of_tensor(4, (2, 2), (1, 2)), m0=struct.pack("<4f", 1, 2, 3, 4))
    assert read_inert(file).read().tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    "pickled",
    [
        b"",
        b"garbage",
        b".",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",  # a frame of eight exabytes
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00.",  # a terabyte of text
        b"Nr\xff\xff\xff\xff0.",  # a place in the memo far away
        b"(" * 100_000 + b".",
        b"P1\n.",
        b"\x82\x01.",
    ],
    ids=["empty", "garbage", "nothing", "frame", "text", "memo", "marks", "outside", "extension"],
)
def test_damaged_and_greedy_pickles(pickled: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"x\.pt"):
        read_inert(archive(tmp_path / "x.pt", pickled))


def test_lists_of_lists_of_the_same_lists(tmp_path: Path) -> None:
    bomb: Any = ["x"]
    for _ in range(40):
        bomb = [bomb] * 10
    found = read_inert(archive(tmp_path / "x.pt", pickle.dumps({"cfg": bomb})))
    with pytest.raises(FormatError, match="too many"):
        plain(found["cfg"])


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "x.pt"
    with pytest.raises(MissingModel):
        read_inert(file)
    for data in (b"", b"RIFF....WAVE", pickle.dumps({"model": 1}), os.urandom(1000)):
        file.write_bytes(data)
        with pytest.raises(FormatError, match=r"x\.pt"):
            read_inert(file)
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("readme.txt", "no data")
    with pytest.raises(FormatError, match=r"no data\.pkl"):
        read_inert(file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("x/data.pkl", pickle.dumps({}))
        out.writestr("x/data/0", bytes(10_000_000))
    with pytest.raises(FormatError, match="compressed"):
        read_inert(file)


def use(file: Path) -> None:
    for tensor in read_inert(file).values():
        tensor.read()


@pytest.mark.parametrize("legacy", [False, True])
def test_every_truncation_is_told_when_it_is_read_or_used(legacy: bool, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(
        {"a": torch.arange(100.0), "b": torch.ones(5)}, buffer, _use_new_zipfile_serialization=not legacy
    )
    data, file = buffer.getvalue(), tmp_path / "x.pt"
    for stop in range(0, len(data) - 1, 37):
        file.write_bytes(data[:stop])
        with pytest.raises(FormatError):
            use(file)
