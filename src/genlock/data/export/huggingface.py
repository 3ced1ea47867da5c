"""Hugging Face ``datasets``: Parquet files that ``datasets.load_dataset(FOLDER)`` opens, one row a clip.

Sound, films and pictures are columns of their bytes in the types that package knows. A feature is a struct of its
values, which of them are valid, and its exact grid.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genlock.core.errors import FormatError
from genlock.core.files import atomic_file, write_text
from genlock.core.json_forms import cells_from_dict, load_json
from genlock.data.export.base import Job, Row, in_groups
from genlock.data.index import ROW_TYPES
from genlock.data.output_files import track_of_output

__all__ = ["export_huggingface"]

# As that package calls its splits.
_SPLITS = {"train": "train", "valid": "validation", "test": "test"}
_BYTES = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
# A group of rows is as much as must be in memory at once.
_GROUP_BYTES = 32 * 10**6
_LEFT_OUT = ("status", "reason", "outputs")


def export_huggingface(job: Job) -> None:
    """Write ``data/SPLIT-00000-of-00002.parquet`` and so on, and the README that names them."""
    job.note_what_is_lacking()
    columns = [_Column(job, kind) for kind in job.kinds]
    types = [*((name, kind) for name, kind in ROW_TYPES if name not in _LEFT_OUT)]
    schema = pa.schema([*types, *((column.name, column.type) for column in columns)])
    schema = schema.with_metadata(
        {"huggingface": json.dumps({"info": {"features": _features(types, columns)}})}
    )
    for split, rows in job.splits():
        shards = list(in_groups(rows, job.options.shard_megabytes * 10**6))
        for number, shard in enumerate(shards):
            name = f"data/{_SPLITS[split]}-{number:05d}-of-{len(shards):05d}.parquet"
            job.put(name, lambda path, shard=shard: _write(job, columns, schema, shard, path))  # type: ignore[misc]
            for _ in shard:
                job.tick()
    job.put("README.md", lambda path: write_text(path, _readme(job)))
    if any(column.form in ("Audio", "Video") for column in columns):
        job.notes.append(
            "datasets decodes sound and films with torchcodec; without it cast_column(NAME, Audio(decode=False)) "
            "gives bytes"
        )


class _Column:
    """One output as a column."""

    def __init__(self, job: Job, kind: str) -> None:
        made = next(made for row in job.rows for made in row["outputs"] if made["kind"] == kind)
        self.kind, self.name = kind, kind.replace(".", "_").replace("-", "_")
        self.form = {".wav": "Audio", ".mp4": "Video", ".zip": "Images"}.get(
            Path(made["path"]).suffix, "Track"
        )
        self.rate = made["rate"]
        times = [("rate", pa.string()), ("start", pa.string()), ("centers_seconds", pa.list_(pa.float64()))]
        if self.form == "Track":
            inner = pa.from_numpy_dtype(np.dtype(made["dtype"]))
            for _ in made["shape"]:
                inner = pa.list_(inner)
            self.type = pa.struct([("values", inner), ("valid", pa.list_(pa.bool_())), *times])
        elif self.form == "Images":
            self.type = pa.struct([("frames", pa.list_(_BYTES)), *times])
        else:
            self.type = _BYTES

    @property
    def feature(self) -> Any:
        """The column in that package's own words."""
        if self.form == "Audio":
            return {"_type": "Audio", "sampling_rate": int(self.rate)}
        if self.form == "Video":
            return {"_type": "Video"}
        found = _feature(self.type)
        if self.form == "Images":
            found["frames"] = {"_type": "List", "feature": {"_type": "Image"}}
        return found

    def value(self, job: Job, row: Row) -> pa.Array:
        """The column of one row."""
        made = job.output(row, self.kind)
        if made is None:
            return pa.nulls(1, self.type)
        data = job.bytes_of(made)
        if self.form in ("Audio", "Video"):
            return pa.array([{"bytes": data, "path": Path(made["path"]).name}], self.type)
        if self.form == "Images":
            return pa.array([_images(data, made)], self.type)
        track = track_of_output(made, data, str(row["clock"]))
        times = pa.array([{"rate": made["rate"], "start": made["start"], "centers_seconds": track.centers}])
        fields = [_one(_nested(track.values)), _one(pa.array(track.valid)), *times.flatten()]
        return pa.StructArray.from_arrays(
            [field.cast(kind.type) for field, kind in zip(fields, self.type, strict=True)],
            fields=list(self.type),
        )


def _one(items: pa.Array) -> pa.Array:
    """A column of one row that holds all items."""
    return pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items)


def _nested(values: npt.NDArray[Any]) -> pa.Array:
    """[T, A, B] as T lists of A lists of B values, without a Python object for each."""
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    for axis in range(values.ndim - 1, 0, -1):
        count = int(np.prod(values.shape[:axis]))
        offsets = np.arange(count + 1, dtype=np.int32) * values.shape[axis]
        flat = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)
    return flat


def _images(data: bytes, made: Mapping[str, Any]) -> dict[str, Any]:
    origin = repr(str(made["path"]))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".jpg")]
            frames = [{"bytes": archive.read(name), "path": name} for name in names]
            cells = cells_from_dict(load_json(archive.read("cells.json").decode(), origin))
    except (zipfile.BadZipFile, KeyError) as error:
        raise FormatError(f"{origin} is damaged ({error}); run genlock prepare again") from error
    return {
        "frames": frames,
        "rate": made["rate"],
        "start": made["start"],
        "centers_seconds": cells.centers(len(frames)),
    }


def _features(types: Sequence[tuple[str, pa.DataType]], columns: Sequence[_Column]) -> dict[str, Any]:
    return {
        **{name: _feature(kind) for name, kind in types},
        **{column.name: column.feature for column in columns},
    }


def _feature(kind: pa.DataType) -> Any:
    """A type of Arrow in that package's words."""
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    if pa.types.is_list(kind):
        return {"_type": "List", "feature": _feature(kind.value_type)}
    names = {"double": "float64", "float": "float32", "halffloat": "float16"}
    return {"_type": "Value", "dtype": names.get(str(kind), str(kind))}


def _write(job: Job, columns: Sequence[_Column], schema: pa.Schema, rows: Sequence[Row], path: Path) -> None:
    with atomic_file(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as out:
        for group in in_groups(rows, _GROUP_BYTES):
            batches = [_batch(job, columns, schema, row) for row in group]
            out.write_table(pa.Table.from_batches(batches, schema))


def _batch(job: Job, columns: Sequence[_Column], schema: pa.Schema, row: Row) -> pa.RecordBatch:
    values = {column.name: column.value(job, row) for column in columns}
    arrays = [
        values[field.name] if field.name in values else pa.array([row[field.name]], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _readme(job: Job) -> str:
    files = "".join(
        f"  - split: {_SPLITS[split]}\n    path: data/{_SPLITS[split]}-*.parquet\n"
        for split, _ in job.splits()
    )
    kinds = "".join(f"- `{_Column(job, kind).name}`\n" for kind in job.kinds)
    return f"""---
configs:
- config_name: default
  data_files:
{files}---

One row a clip, made by `genlock export`. Instants are exact seconds on the media clock of the clip's source
(`clock`); `start` and `rate` of a feature are fractions, and cell k is `[start + k/rate, start + (k+1)/rate)`. Where
`rate` is null the source's own frames vary: `centers_seconds` has them. `offset_seconds` above 0: the sound is early.

{kinds}"""
