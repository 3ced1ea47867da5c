"""Tracks and spans draw themselves in a notebook: well-formed SVG that shows what is there."""

from __future__ import annotations

import base64
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings

from genlock.core import Grid, Span, Spans, Ticks, Track

from .strategies import spans, tracks

SVG = "{http://www.w3.org/2000/svg}"


@settings(max_examples=60)
@given(tracks())
def test_every_track_draws_itself(track: Track) -> None:
    assert ElementTree.fromstring(track._repr_svg_()).tag == f"{SVG}svg"
    assert "nan" not in track._repr_svg_()
    assert track._repr_svg_() in track._repr_html_()


@settings(max_examples=60)
@given(spans())
def test_all_spans_draw_themselves(items: Spans) -> None:
    picture = ElementTree.fromstring(items._repr_svg_())
    assert len(picture.findall(f"{SVG}g")) == len(items)


def test_the_picture_shows_where_things_lie() -> None:
    """A click at 3/4 of a track stands at 3/4 of the width; what is not valid is grey there."""
    values, valid = np.zeros(4000), np.ones(4000, bool)
    values[3000], valid[:1000] = 1, False
    picture = ElementTree.fromstring(Track(values, Grid(1000, 5), valid)._repr_svg_())
    path = next(p for p in picture.iter(f"{SVG}path") if p.get("stroke-width"))
    columns = [(float(x), float(top)) for x, top in re.findall(r"M([\d.]+) (-?[\d.]+)V", path.get("d") or "")]
    assert min(columns, key=lambda c: c[1])[0] == pytest.approx(540, abs=1)
    grey = [r for r in picture.iter(f"{SVG}rect") if r.get("fill") == "#c9ced6"]
    assert [(float(r.get("x") or 0), float(r.get("width") or 0)) for r in grey] == [(0.0, 180.0)]
    assert [t.text for t in picture.iter(f"{SVG}text")][-5:] == ["5 s", "6 s", "7 s", "8 s", "9 s"]


def test_a_heat_map_is_an_image_of_its_values() -> None:
    values = np.zeros((8, 2), np.float32)
    values[4:, 1] = 1  # the upper row, later half
    picture = ElementTree.fromstring(Track(values, Grid(1))._repr_svg_())
    (image,) = picture.iter(f"{SVG}image")
    png = base64.b64decode((image.get("href") or "").partition(",")[2])
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[16 + 4 * i : 20 + 4 * i]) for i in range(2))
    assert (width, height) == (32, 2)
    size = int.from_bytes(png[33:37])
    lines = np.frombuffer(zlib.decompress(png[41 : 41 + size]), np.uint8).reshape(2, -1)
    pixels = lines[:, 1:].reshape(2, 32, 3).sum(axis=2)
    assert (pixels[0, 16:] > pixels[0, 15]).all()
    assert len(set(pixels[1]) | set(pixels[0, :16])) == 1


def test_names_cannot_break_out() -> None:
    evil = "</svg><script>alert(1)</script>\x00\udcff"
    for drawn in (
        Spans([Span(0, 1, evil)], name=evil),
        Track(np.zeros(3), Ticks([0, 1, 5], 1, 1), name=evil),
    ):
        assert "<script" not in drawn._repr_html_()
    ElementTree.fromstring(Spans([Span(0, 1, evil)])._repr_svg_())


def test_a_picture_is_small_however_long_the_track() -> None:
    assert (
        len(Track(np.random.default_rng(0).normal(size=10**6), Grid.of_samples(16000))._repr_svg_()) < 30_000
    )
