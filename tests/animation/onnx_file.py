"""A tiny network of Audio2Face-3D's interface as an ONNX file, its protobuf written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

#: Of the real network: sizes of its answer, and the window.
SKIN, TONGUE, JAW, EYES, WINDOW, OFFSET = 272, 10, 15, 4, 8320, 4160
EMOTIONS = 26
_FLOAT, _INT64 = 1, 7


def number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def integer(field: int, value: int) -> bytes:
    return number(field << 3) + number(value)


def message(field: int, body: bytes | str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return number(field << 3 | 2) + number(len(data)) + data


def tensor(name: str, array: np.ndarray) -> bytes:
    kind = _FLOAT if array.dtype == np.float32 else _INT64
    dims = b"".join(integer(1, size) for size in array.shape)
    return dims + integer(2, kind) + message(8, name) + message(9, array.tobytes())


def value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(message(1, integer(1, size)) for size in shape)
    return message(1, name) + message(2, message(1, integer(1, _FLOAT) + message(2, dims)))


def node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(message(1, name) for name in inputs) + message(2, output) + message(4, kind)


def write_audio2face(folder: Path, vertices: int = 40, batch: int = 1) -> dict[str, np.ndarray]:
    """Files of a network whose first answer is the size of the sample in the middle of its window, and which moves its
    skin along ``jawOpen`` by the first answer and along ``mouthPucker`` by twice the second, which is 0.1.

    Returns the shapes.
    """
    answers = SKIN + TONGUE + JAW + EYES
    gain, offset = np.zeros((1, answers), np.float32), np.zeros((1, 1, answers), np.float32)
    gain[0, 0], offset[0, 0, 1] = 1.0, 0.1
    bounds = [np.array([k], np.int64) for k in (OFFSET, OFFSET + 1, 2)]
    arrays = {"first": bounds[0], "stop": bounds[1], "axis": bounds[2], "gain": gain, "offset": offset}
    nodes = [
        node("Slice", ["input", "first", "stop", "axis"], "middle"),
        node("Abs", ["middle"], "size"),
        node("MatMul", ["size", "gain"], "scaled"),
        node("Add", ["scaled", "offset"], "result"),
    ]
    graph = b"".join(message(1, each) for each in nodes) + message(2, "tiny")
    graph += b"".join(message(5, tensor(name, array)) for name, array in arrays.items())
    graph += message(11, value("input", (batch, 1, WINDOW))) + message(
        11, value("emotion", (batch, 1, EMOTIONS))
    )
    graph += message(12, value("result", (batch, 1, answers)))
    model = integer(1, 8) + message(7, graph) + message(8, integer(2, 13))
    (folder / "network.onnx").write_bytes(model)
    params = {
        "implicit_emotion_len": 16, "explicit_emotions": [str(k) for k in range(10)], "num_shapes_skin": SKIN,
        "num_shapes_tongue": TONGUE, "result_jaw_size": JAW, "result_eyes_size": EYES,
    }  # fmt: skip
    sound = {"buffer_len": WINDOW, "buffer_ofs": OFFSET, "samplerate": 16000}
    (folder / "network_info.json").write_text(json.dumps({"params": params, "audio_params": sound}))
    random = np.random.default_rng(0)
    names = ("eyeBlinkLeft", "jawOpen", "mouthPucker")
    shapes = {name: random.normal(size=(vertices, 3)).astype(np.float32) for name in names}
    neutral = random.normal(size=(vertices, 3)).astype(np.float32)
    moves = np.zeros((SKIN, vertices, 3), np.float32)
    moves[0], moves[1] = shapes["jawOpen"], 2 * shapes["mouthPucker"]
    np.savez(folder / "model_data.npz", shapes_matrix_skin=moves, shapes_mean_skin=neutral)
    known = np.array(["neutral", *names], "S32")
    np.savez(
        folder / "bs_skin.npz", neutral=neutral, poseNames=known, frontalMask=np.arange(vertices), **shapes
    )
    (folder / "bs_skin_config.json").write_text(
        json.dumps(
            {"blendshape_params": {"bsWeightMultipliers": [1.0, 1.0, 0.5], "bsSolveActivePoses": [1, 1, 1]}}
        )
    )
    return shapes
