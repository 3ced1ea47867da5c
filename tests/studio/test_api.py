"""Whatever is sent to the studio: no answer is an error of its own. schemathesis reads its OpenAPI and asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.foley.strikes import contacts, stick_film

from .conftest import Served
from .test_takes import run

schemathesis = pytest.importorskip(
    "schemathesis", reason="schemathesis is not installed (the dev extra has it)"
)


@pytest.fixture(scope="module")
def full(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A studio with a film, one that was opened, and a take; jobs wait."""
    root = tmp_path_factory.mktemp("api")
    stick_film(root / "stick.mp4", 25, contacts(2, 0), seed=4)
    run(root, "open", "stick.mp4", {})
    run(root, "sound", "stick.mp4", {"model": "modal", "events": [{"time": "1"}]}, "2-1")
    return serve(root, jobs=False)


@pytest.mark.slow
def test_no_request_makes_an_error_of_the_studios_own(full: Served) -> None:
    schema = schemathesis.openapi.from_dict(full.get("/api/openapi.json").json())
    schema.config.update(base_url=f"http://127.0.0.1:{full.port}")
    ident = full.ident("stick.mp4")
    asked = 0
    from hypothesis import HealthCheck, given, settings

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def asks(case: schemathesis.Case) -> None:
            nonlocal asked
            for known in (False, True):  # half of the requests name a file that is there
                if known and "ident" in case.path_parameters:
                    case.path_parameters["ident"] = ident
                answer = case.call()
                asked += 1
                assert answer.status_code < 500, (answer.status_code, answer.text[:500])
                case.validate_response(answer, checks=[schemathesis.checks.not_a_server_error])

        asks()
    assert asked > 1000
