"""Models, datasets and runs: what is told of them lies there; nothing leads out, nothing of a card is markup."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.report.clips import planted

from genlock.core.grid import Grid
from genlock.core.json_forms import write_json
from genlock.data.options import PrepareOptions
from genlock.media import Sound, encode
from genlock.tasks.prepare_dataset import prepare_dataset

from .conftest import Served

RATE = 8000


@pytest.fixture(scope="module")
def shelf(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A studio on an empty folder, with a dataset of two films and a broken one, and a run, in a folder beside it."""
    corpus, also = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("also")
    for name in ("one", "two"):
        planted(corpus / f"{name}.mp4", count=25)
    (corpus / "broken.mp4").write_bytes(b"no film")
    options = PrepareOptions(outputs=f"sound@{RATE},energy,mel:kaldi,frames@5/64x36", workers=1)
    prepare_dataset(corpus, also / "sets" / "films", options)
    run = also / "runs" / "small"
    (run / "model" / "heard").mkdir(parents=True)
    write_json(run / "run.json", {"recipe": "vocoder", "settings": {"width": 8}, "loop": {"steps": 4}})
    rows = [{"step": k, "loss": 4.0 / k, **({"valid_loss": 3.0} if k == 3 else {})} for k in (1, 2, 3)]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    encode(run / "model" / "heard" / "0-made.wav", sound=Sound(np.zeros(800), RATE))
    (run / "secret.txt").write_text("not a sample")
    os.symlink("/etc/hostname", run / "model" / "linked.wav")
    return serve(tmp_path_factory.mktemp("empty"), jobs=False, also=str(also))


def test_models_say_licence_size_and_whether_they_are_here(shelf: Served) -> None:
    models = {model["name"]: model for model in shelf.get("/api/models").json()["models"]}
    nano = models["talker-nano"]
    assert (nano["licence"], nano["present"], nano["card"]) == ("CC-BY-4.0", True, True)
    assert nano["size_bytes"] > 1_000_000
    assert not any(str(Path.home()) in str(model) for model in models.values())
    assert "GRID" in shelf.get("/api/models/talker-nano/card").json()["text"]
    for wrong in ("nobody", "..", "%2e%2e%2f%2e%2e%2fetc", "talker-nano%2f..%2ftalker-nano"):
        assert shelf.get(f"/api/models/{wrong}/card").status == 404
    asked = {"kind": "fetch", "files": ["../talker"]}
    assert shelf.ask("POST", "/api/jobs", told=asked).status == 404


def test_a_dataset_tells_its_clips_and_why_a_source_is_lost(shelf: Served) -> None:
    (found,) = shelf.get("/api/datasets").json()["datasets"]
    assert (found["name"], found["finished"], found["clips"]) == ("sets/films", True, 2)
    told = shelf.get(f"/api/datasets/{found['id']}").json()
    (lost,) = told["quarantined"]
    assert lost["source"] == "broken.mp4"
    assert "FFmpeg" in lost["reason"]
    place = f"/api/datasets/{found['id']}/clips"
    clips = shelf.get(place).json()
    assert [clip["source"] for clip in clips["clips"]] == ["one.mp4", "two.mp4"]
    assert shelf.get(f"{place}?first=1&most=1").json() == {"clips": [clips["clips"][1]], "more": False}
    assert shelf.get(f"{place}?most=1").json()["more"] is True
    assert [clip["source"] for clip in shelf.get(f"{place}?text=TWO").json()["clips"]] == ["two.mp4"]
    assert shelf.get(f"{place}/nobody").status == 404
    assert shelf.get("/api/datasets/0123456789abcdef").status == 404


def test_every_output_lies_on_the_grid_of_the_index(shelf: Served) -> None:
    (found,) = shelf.get("/api/datasets").json()["datasets"]
    clips = shelf.get(f"/api/datasets/{found['id']}/clips").json()["clips"]
    place = f"/api/datasets/{found['id']}/clips/{clips[0]['clip']}"
    clip = shelf.get(place).json()
    forms = {}
    for made in clip["outputs"]:
        told = shelf.get(f"{place}/outputs/{made['kind']}").json()
        forms[made["kind"].split("_")[0]] = told["form"]
        if told["form"] in ("bands", "curve"):
            assert Fraction(told["grid"]["rate"]) == Fraction(made["rate"])
            assert Fraction(told["grid"]["start"]) == Fraction(made["start"])
            assert len(base64.b64decode(told["values"])) == made["length"] * told["width"]
        if told["form"] == "strip":
            grid = Grid(made["rate"], made["start"])
            assert [Fraction(start) for start, _ in told["times"]] == [
                grid.edge(k) for k in range(made["length"])
            ]
            data = shelf.get(f"{place}/outputs/{made['kind']}/strip").body
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            assert picture.shape == (72, 128 * made["length"], 3)
        if told["form"] == "wave":
            sound = shelf.get(f"{place}/outputs/{made['kind']}/media")
            assert sound.headers["content-type"] == "audio/wav"
    assert forms == {"sound": "wave", "energy": "curve", "mel-kaldi": "bands", "frames": "strip"}
    for wrong in ("nothing", "..", "%2e%2e%2findex"):
        assert shelf.get(f"{place}/outputs/{wrong}/media").status == 404


def test_a_run_shows_its_curves_and_what_it_made(shelf: Served) -> None:
    (run,) = shelf.get("/api/runs").json()["runs"]
    assert (run["name"], run["recipe"], run["model"]) == ("runs/small", "vocoder", True)
    told = shelf.get(f"/api/runs/{run['id']}").json()
    assert told["settings"] == {"width": 8}
    figures = {figure["name"]: figure["last"] for figure in told["curves"]["figures"]}
    assert figures == {"loss": pytest.approx(4 / 3), "valid_loss": 3.0}
    assert told["samples"] == ["model/heard/0-made.wav"]
    drawn = shelf.get(f"/api/runs/{run['id']}/curves")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert b"valid_loss" in drawn.body
    assert str(shelf.studio.folder.also[0]).encode() not in drawn.body
    heard = shelf.get(f"/api/runs/{run['id']}/samples/model/heard/0-made.wav")
    assert heard.headers["content-type"] == "audio/wav"
    for wrong in ("secret.txt", "model/linked.wav", "../small/run.json", "%2e%2e/small/run.json"):
        assert shelf.get(f"/api/runs/{run['id']}/samples/{wrong}").status == 404


def test_its_model_is_chosen_by_name(serve: Callable[..., Served], shelf: Served, tmp_path: Path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    write_json(tmp_path / "mine" / "run.json", {"recipe": "talker", "loop": {"steps": 1}})
    served = serve(tmp_path, jobs=False, also=str(shelf.studio.folder.also[0]))
    forms = {form["kind"]: form for form in served.get("/api/jobs/forms").json()["forms"]}
    (model,) = [field for field in forms["animate"]["fields"] if field["name"] == "model"]
    assert {"talker-nano", "talker-people", "mine"} <= set(model["choices"])
