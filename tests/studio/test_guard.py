"""Each refusal: forged hosts, other sites, no token, paths and links that lead out, huge and false uploads, names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.report.clips import planted

from genlock.core.errors import InputError, OptionError
from genlock.studio import StudioOptions
from genlock.studio.folder import StudioFolder, file_name_of
from genlock.studio.jobs.every_kind import KINDS

from .conftest import Served


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", ""])
def test_a_name_that_was_bound_anew_is_refused(served: Served, host: str) -> None:
    assert served.get("/api/library", Host=host).status == 421
    assert served.get("/", Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:9"])
def test_our_own_names_are_taken_through_any_tunnel(served: Served, host: str) -> None:
    assert served.get("/api/library", Host=host).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_page_of_another_origin_is_refused(served: Served, origin: str, method: str) -> None:
    assert served.ask(method, "/api/jobs", b"{}", {"Origin": origin}).status == 403


def test_another_site_may_open_the_page_and_nothing_else(served: Served) -> None:
    assert served.get("/", Sec_Fetch_Site="cross-site").status == 200
    for site in ("cross-site", "same-site"):
        assert served.get("/api/library", Sec_Fetch_Site=site).status == 403
        assert served.get("/static/app.js", Sec_Fetch_Site=site).status == 403
    assert served.get("/api/library", Sec_Fetch_Site="same-origin").status == 200


def test_every_answer_carries_the_policy(served: Served) -> None:
    for path in ("/", "/api/library", "/static/app.js", "/nothing", "/api/files/0123456789abcdef/facts"):
        headers = served.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


def test_a_token_is_asked_for(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve(tmp_path, jobs=False, token="a-long-secret")
    assert served.get("/api/library").status == 401
    assert served.get("/").status == 401
    assert served.get("/?token=wrong-secret").status == 401
    entered = served.get("/?token=a-long-secret")
    assert entered.status == 303
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert served.get("/api/library", Cookie=cookie.split(";")[0]).status == 200
    assert served.get("/api/library", Authorization="Bearer a-long-secret").status == 200
    assert served.get("/api/library", Authorization="Bearer a-long-secre").status == 401


def test_a_token_that_can_be_guessed_is_none() -> None:
    with pytest.raises(OptionError, match="8 letters"):
        StudioOptions(token="1234")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/page/..%2f..%2fbuild.py",
        "/static//etc/passwd",
        "/page/../../../../../../etc/passwd",
        "/static/app.js%00",
        "/api/files/..%2f..%2fetc/facts",
        "/api/clips/0123456789abcdeg",
        "/api/clips/%2e%2e/preview",
    ],
)
def test_no_path_leads_out(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status in (404, 422)
    assert b"root:" not in answer.body


def test_links_that_lead_out_are_named_and_left_alone(serve: Callable[..., Served], tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    secret = planted(outside / "secret.mp4", count=2, sound=False).path
    (inside / "link.mp4").symlink_to(secret)
    (inside / "folder").symlink_to(outside)
    (inside / "broken.mp4").symlink_to(inside / "nowhere.mp4")
    os.link(secret, inside / "own.mp4")
    (inside / "again.mp4").symlink_to(inside / "own.mp4")
    told = serve(inside, jobs=False).get("/api/library").json()
    assert sorted(file["name"] for file in told["files"]) == ["again.mp4", "own.mp4"]
    reasons = {one["name"]: one["reason"] for one in told["left_out"]}
    assert "out of the folder" in reasons["link.mp4"]
    assert "out of the folder" in reasons["folder/secret.mp4"]
    assert "leads to nothing" in reasons["broken.mp4"]


def test_a_folder_of_ours_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".genlock-studio").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="link"):
        StudioFolder(tmp_path)


# ---------------------------------------------------------------- uploads


def test_an_upload_is_kept_and_shown(served: Served) -> None:
    data = (served.root / "film.mp4").read_bytes()
    assert served.ask("PUT", "/api/uploads/new%20f%C3%ADlm.mp4", data).json() == {"name": "new fílm.mp4"}
    assert (served.root / "new fílm.mp4").read_bytes() == data
    assert list((served.root / ".genlock-studio" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fout.mp4",
        ".hidden.mp4",
        "a%5Cb.mp4",
        "a%00.mp4",
        "a%0A.mp4",
        "page.html",
        "x" * 300 + ".mp4",
        "C:a.mp4",
    ],
)
def test_an_upload_to_no_place_for_a_film_is_refused(served: Served, name: str) -> None:
    def places() -> list[Path]:
        """What lies in the folder and beside it: other folders there, of other tests, have lives of their own."""
        return sorted([*served.root.parent.iterdir(), *served.root.rglob("*")])

    before = places()
    assert served.ask("PUT", f"/api/uploads/{name}", b"data").status in (404, 405, 422)
    assert places() == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no film at all",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<html><script>alert(1)</script></html>",
        b"\x00" * 5000,
    ],
    ids=["empty", "text", "playlist", "concat", "page", "zeros"],
)
def test_what_is_no_film_is_refused_and_gone(served: Served, data: bytes) -> None:
    answer = served.ask("PUT", "/api/uploads/false.mp4", data)
    assert answer.status == 422
    assert ".genlock-studio" not in answer.json()["error"]
    assert not (served.root / "false.mp4").exists()
    assert list((served.root / ".genlock-studio" / "uploads").iterdir()) == []


def test_nothing_is_overwritten(served: Served) -> None:
    before = (served.root / "film.mp4").read_bytes()
    assert served.ask("PUT", "/api/uploads/film.mp4", before[:100]).status == 409
    assert (served.root / "film.mp4").read_bytes() == before


def test_an_upload_that_is_too_large_is_refused(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve(tmp_path, jobs=False, largest_upload=1000)
    assert served.ask("PUT", "/api/uploads/a.mp4", b"x" * 1001).status == 413
    # One that says nothing of its length, or lies about it, is ended as soon as it is too much.
    chunk = b"200\r\n" + b"x" * 512 + b"\r\n"
    answer = served.ask(
        "PUT", "/api/uploads/b.mp4", chunk * 3 + b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}
    )
    assert answer.status == 413
    assert sorted(path.name for path in tmp_path.iterdir()) == [".genlock-studio"]
    assert list((tmp_path / ".genlock-studio" / "uploads").iterdir()) == []


def test_only_uploads_are_large(served: Served) -> None:
    answer = served.ask("POST", "/api/jobs", b"", {"Content-Length": "30000000"})
    assert answer.status == 413


# ---------------------------------------------------------------- options and names


@pytest.mark.parametrize(
    "options",
    [
        {"fix": "/tmp/out.mp4"},
        {"plot": "x.svg"},
        {"markers": "/tmp/x.edl"},
        {"estimators": "/etc/passwd"},
        {"estimators": "lips,../x"},
        {"least_probability": "0.5"},
        {"least_probability": 7},
        {"reading.start": "soon"},
        {"nothing": 1},
        {"transcript_text": "hello"},
    ],
)
def test_options_that_a_form_does_not_have_are_refused(served: Served, options: dict[str, object]) -> None:
    told = {"kind": "sync", "files": [served.ident("film.mp4")], "options": options}
    assert served.ask("POST", "/api/jobs", told=told).status == 422
    assert served.studio.jobs.begin() is None


def test_forms_name_no_file(served: Served) -> None:
    forms = {form["kind"]: form for form in served.get("/api/jobs/forms").json()["forms"]}
    assert set(forms) == set(KINDS)
    names = {field["name"] for form in forms.values() for field in form["fields"]}
    assert not names & {
        "fix",
        "plot",
        "markers",
        "against",
        "transcript",
        "resume",
        "language_model",
        "wav",
        "events",
        "sheet",
    }
    # What else means a file is chosen by a name of the list; a path is none of them.
    chosen = {"model", "identity", "frames_of", "library", "retime", "finder_model", "recognizer", "aligner"}
    fields = [field for form in forms.values() for field in form["fields"] if field["name"] in chosen]
    assert {field["name"] for field in fields} == chosen
    assert {field["kind"] for field in fields} == {"choice"}
    # Whoever adds an option that is a file learns of it here, whatever it is called.
    free = [field for form in forms.values() for field in form["fields"] if field["name"] not in chosen]
    assert not [field["name"] for field in free if field["help"].startswith(("File", "Folder", "Path"))]
    for kind, options in (
        ("animate", {"model": "/etc/passwd"}),
        ("animate", {"identity": "../film.mp4"}),
        ("sound", {"library": ".."}),
        ("sound", {"same_as": ["wood=/etc"]}),
        ("align", {"recognizer": "avsr:/tmp"}),
    ):
        asked = {"kind": kind, "files": [served.ident("film.mp4")], "options": options}
        assert served.ask("POST", "/api/jobs", told=asked).status == 422, options
    assert all(field["help"] for form in forms.values() for field in form["fields"])


def test_names_are_kept_as_they_are_or_refused() -> None:
    assert file_name_of("<b>Ünïcödé's & film</b>.mp4".replace("/", "").replace("<", "(").replace(">", ")"))
    for name in ("<img src=x onerror=alert(1)>.mp4", "a\u202egpj.mp4", " a.mp4", "a.mp4 ", "", "...mp4"):
        with pytest.raises(InputError, match="no name"):
            file_name_of(name)
