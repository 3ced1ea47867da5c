"""Makes src/genlock/synth/talkers/face_mesh.npz: the canonical face of MediaPipe's mesh, upright, in eye distances.

    npm pack @mediapipe/face_mesh@0.4.1657299874
    python tools/face_mesh.py mediapipe-face_mesh-0.4.1657299874.tgz

The package is Apache-2.0 (The MediaPipe Authors). In it lies a message ``GeometryPipelineMetadata`` (protocol
buffers), whose first field is the mesh: 468 vertices of x, y, z, u, v and 898 triangles. Vertices are brought onto
``genlock.extractors.face.pose.CANONICAL_RIGID``; u and v are left out.
"""

from __future__ import annotations

import re
import struct
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genlock.core.files import atomic_file
from genlock.core.track_file import write_arrays
from genlock.extractors.face.pose import RIGID, head_pose

TARGET = Path(__file__).resolve().parent.parent / "src/genlock/synth/talkers/face_mesh.npz"
NAME = "geometry_pipeline_metadata_landmarks.binarypb"


def metadata(package: str) -> bytes:
    """The message, out of the packed assets; their loader says where it lies."""
    with tarfile.open(package) as archive:

        def member(name: str) -> bytes:
            found = archive.extractfile(f"package/face_mesh_solution_packed_assets{name}")
            assert found is not None
            return found.read()

        loader = member("_loader.js").decode()
        place = re.search(rf'"[^"]*{re.escape(NAME)}", ?"start": ?(\d+), ?"end": ?(\d+)', loader)
        if place is None:
            raise SystemExit(f"{package} has no {NAME}")
        return member(".data")[int(place[1]) : int(place[2])]


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where the next thing begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field of a message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
            yield key >> 3, value
        else:
            size, at = (4, at) if key & 7 == 5 else varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size


def mesh(message: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [468, 3] as the package has them, and triangles [898, 3]."""
    body = next(value for number, value in fields(message) if number == 1)
    assert isinstance(body, bytes)
    floats: list[float] = []
    indices: list[int] = []
    for number, value in fields(body):
        if number == 3 and isinstance(value, bytes):
            floats += struct.unpack(f"<{len(value) // 4}f", value)
        if number == 4 and isinstance(value, int):
            indices.append(value)
        elif number == 4 and isinstance(value, bytes):
            at = 0
            while at < len(value):
                index, at = varint(value, at)
                indices.append(index)
    return np.array(floats).reshape(468, 5)[:, :3], np.array(indices).reshape(898, 3)


def main(package: str) -> None:
    """See the module."""
    vertices, triangles = mesh(metadata(package))
    # There x points to the right as seen, y up and z to the camera.
    points = vertices * [1, -1, -1]
    pose = head_pose(points[list(RIGID)])
    upright = np.concatenate([pose.to_head(points), points[:, 2:] / pose.scale], axis=1)
    upright[:, 2] -= upright[list(RIGID), 2].mean()
    with atomic_file(TARGET) as out:
        write_arrays(out, {"points": upright.astype("<f4"), "triangles": triangles.astype("<u2")})
    print(TARGET, TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1])
