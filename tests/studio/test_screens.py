"""Face, Sound, Models and data in a real browser: made, compared, kept, corrected by hand; nothing is markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.foley.strikes import contacts, matched, stick_film
from tests.report.browser import chromium, console, resize, scheme, screenshot, serious_faults
from tests.report.clips import planted

from genlock.core.json_forms import write_json
from genlock.data.options import PrepareOptions
from genlock.media import Sound, encode
from genlock.media.retime import retime
from genlock.speech import Word, Words
from genlock.synth.voice.speak import VoiceOptions, speak
from genlock.tasks.prepare_dataset import prepare_dataset

from .browser_steps import open_screen, press, until
from .conftest import Served

HITS = contacts(4, 0)
SCREENS = (
    ("library", None),
    ("timeline", "stick.mp4"),
    ("words", "stick.mp4"),
    ("sync", "flash.mp4"),
    ("face", "voice.wav"),
    ("sound", "stick.mp4"),
    ("models", None),
)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.get("about:blank")
        yield browser


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test may leave a warning or an error in the console."""
    yield
    if "driver" in request.fixturenames:
        assert console(request.getfixturevalue("driver")) == []


@pytest.fixture(scope="module")
def studio(serve: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A stick that strikes, a library of sounds, a dataset with a source in quarantine, a run."""
    root = tmp_path_factory.mktemp("screens")
    stick_film(root / "stick.mp4", 25, HITS, seed=4)
    for name, hertz in (("wood/soft_1", 500), ("metal/hard_1", 1500)):
        (root / "mine" / name).parent.mkdir(parents=True)
        ring = 0.5 * np.exp(-np.arange(9600) / 900) * np.cos(np.arange(9600) * hertz / 7639)
        encode(root / "mine" / f"{name}.wav", sound=Sound(ring, 48000))
    corpus = tmp_path_factory.mktemp("corpus")
    planted(corpus / "one.mp4", count=25)
    (corpus / "<img src=x onerror=alert(1)>.mp4").write_bytes(b"no film")
    options = PrepareOptions(outputs="sound@8000,energy,mel:kaldi,frames@5/64x36,video@25/64x36", workers=1)
    prepare_dataset(corpus, root / "sets" / "films", options)
    run = root / "runs" / "small"
    (run / "model").mkdir(parents=True)
    write_json(run / "run.json", {"recipe": "vocoder", "settings": {"width": 8}, "loop": {"steps": 4}})
    (run / "log.jsonl").write_text("".join(f'{{"step": {k}, "loss": {4 / k}}}\n' for k in (1, 2, 3)))
    encode(run / "model" / "made.wav", sound=Sound(np.zeros(800), 8000))
    return serve(root)


CARD = """# A card <script>alert(1)</script>

<img src=x onerror=alert(1)> and [a link](javascript:alert(1)), **bold**, `code`.

| figure | value |
|---|---|
| <b>WER</b> | .1 |

- one
- two
"""


def test_models_and_data_are_shown_and_a_card_stays_text(driver: Any, studio: Served) -> None:
    open_screen(driver, studio, "models")
    models = driver.execute_script("return document.querySelectorAll('[data-model]').length")
    assert models == len(studio.get("/api/models").json()["models"])
    html = driver.execute_async_script(
        "const [text, done] = arguments; import('/static/card_text.js').then((m) => "
        "{ const box = document.createElement('div'); box.append(...m.cardNodes(text)); done(box.innerHTML); });",
        CARD,
    )
    assert "<img" not in html
    assert "<script" not in html
    assert "<a" not in html
    assert '<th scope="col">figure</th>' in html
    assert "<li>two</li>" in html
    driver.execute_script("document.querySelector('[data-dataset] button').click()")
    until(driver, "return document.querySelector('.clips button')", "the clips are listed")
    assert "onerror" in driver.execute_script("return document.querySelector('.quarantine').textContent")
    assert driver.execute_script("return document.querySelectorAll('.quarantine img').length") == 0
    driver.execute_script("document.querySelector('.clips button').click()")
    until(
        driver, "return document.querySelectorAll('.outputs tbody tr').length === 5", "its outputs are shown"
    )
    driver.execute_script("document.querySelector('[data-run] button').click()")
    until(driver, "return document.querySelector('.curves')?.naturalWidth", "the curves are drawn")


def click(driver: Any, text: str, within: str = "body") -> None:
    """Press the button that says so."""
    driver.execute_script(
        "[...document.querySelectorAll(`${arguments[1]} button`)]"
        ".find((b) => b.checkVisibility() && b.textContent === arguments[0]).click()",
        text,
        within,
    )


def choose(driver: Any, screen: str, field: str, value: str) -> None:
    """Set a field of a form as a person does."""
    driver.execute_script(
        "const place = `#screen-${arguments[0]} [data-field='${arguments[1]}']`;"
        "const input = document.querySelector(`${place} :is(select, input)`);"
        "input.value = arguments[2]; input.dispatchEvent(new Event('change', { bubbles: true }));"
        "if (input.value !== arguments[2]) throw new Error(`${arguments[1]} cannot be ${arguments[2]}`);",
        screen,
        field,
        value,
    )


@pytest.mark.slow
def test_a_silent_film_is_sounded_compared_corrected_by_keyboard_and_kept(
    driver: Any, studio: Served, repository: Path
) -> None:
    open_screen(driver, studio, "sound", "stick.mp4")
    choose(driver, "sound", "library", "mine")
    choose(driver, "sound", "finder", "motion")
    choose(driver, "sound", "takes", "2")
    click(driver, "Sound it", "#screen-sound")
    until(
        driver,
        "return document.querySelectorAll('#screen-sound [data-take]').length === 2",
        "there are takes",
    )
    found = driver.execute_script("return window.studio.made.sound.edits.list.map((event) => event.at)")
    assert matched(np.array(found), HITS, 0.05)[0] >= 3
    # A and B by one key: the film's own sound, take 1, and back.
    press(driver, "1")
    press(driver, "2")
    chosen = "return window.studio.made.sound.takes.chosen?.id"
    second = driver.execute_script(chosen)
    press(driver, "x")
    assert driver.execute_script(chosen) == second.replace("-1", "-0")
    press(driver, "x")
    assert driver.execute_script(chosen) == second
    sounding = "return [...window.studio.made.sound.sounds].filter(([, one]) => one.on).map(([id]) => id)"
    assert driver.execute_script(sounding) == [second]
    assert driver.execute_script("return window.studio.made.sound.video.muted") is True
    # The first event goes on by two frames, exactly; the last is removed; a new one is put at 3.5 s.
    times = "return window.studio.made.sound.edits.list.map((event) => event.time)"
    before = [Fraction(text) for text in driver.execute_script(times)]
    driver.execute_script("document.activeElement.blur(); window.studio.made.sound.edits.select(0)")
    press(driver, "alt", "→")
    press(driver, "alt", "→")
    moved = [Fraction(text) for text in driver.execute_script(times)]
    assert moved == [before[0] + Fraction(2, 25), *before[1:]]
    press(driver, "ctrl", "z")
    assert [Fraction(text) for text in driver.execute_script(times)] == [
        before[0] + Fraction(1, 25),
        *before[1:],
    ]
    press(driver, "ctrl", "y")
    driver.execute_script("window.studio.made.sound.player.seek(0.2)")
    press(driver, "n")
    assert len(driver.execute_script(times)) == len(before) + 1
    drag(driver, 0, 0.1)
    wanted = [Fraction(text) for text in driver.execute_script(times)]
    assert abs(float(wanted[0]) - 0.3) < 0.02
    click(driver, "Sound these events anew", "#screen-sound")
    until(
        driver,
        "return document.querySelectorAll('#screen-sound [data-take]').length > 2",
        "it is sounded anew",
    )
    ident = studio.ident("stick.mp4")
    takes = studio.get(f"/api/files/{ident}/takes").json()["takes"]
    assert [Fraction(event["time"]) for event in takes[-1]["result"]["events"]] == wanted
    picture(driver, repository, "sound")
    click(driver, "Keep", f"#screen-sound [data-take='{takes[-1]['id']}']")
    until(
        driver,
        "return /stick\\.sound\\.mp4/.test(document.querySelector('#screen-sound .made-status').textContent)",
        "it is kept",
    )
    assert (studio.root / "stick.sound.mp4").is_file()


def drag(driver: Any, number: int, seconds: float) -> None:
    """Drag an event by so many seconds with the mouse."""
    from selenium.webdriver.common.action_chains import ActionChains

    mark = driver.find_element("css selector", f"#screen-sound .event[data-number='{number}']")
    driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", mark)
    by = seconds * driver.execute_script("return window.studio.made.sound.strip.view.scale")
    actions = ActionChains(driver).move_to_element(mark).click_and_hold()
    actions.move_by_offset(round(by / 2), 0).move_by_offset(round(by) - round(by / 2), 0).release().perform()


@pytest.mark.slow
def test_a_face_is_made_and_goes_with_the_voice(
    driver: Any, studio: Served, shared_data: Path, repository: Path
) -> None:
    voice = (shared_data / "speech" / "jfk.flac").read_bytes()
    assert studio.ask("PUT", "/api/uploads/jfk.flac", voice).status == 200
    open_screen(driver, studio, "face", "jfk.flac")
    choose(driver, "face", "face", "robot")
    choose(driver, "face", "model", "talker-people")
    click(driver, "Animate", "#screen-face")
    until(driver, "return document.querySelector('#screen-face [data-take]')", "there is a face", seconds=600)
    until(driver, "return window.studio.made.face.made?.readyState >= 2", "it can be played")
    driver.execute_script("window.studio.made.face.player.seek(3.0)")
    until(
        driver,
        "const { made } = window.studio.made.face; return !made.seeking && Math.abs(made.currentTime - 3) < 0.05",
        "the face stands where the voice stands",
    )
    press(driver, " ")
    until(driver, "return window.studio.made.face.player.time() > 4", "it plays")
    apart = driver.execute_script(
        "const s = window.studio.made.face; return s.made.currentTime - (s.player.time() - s.lead - s.zero)"
    )
    assert abs(apart) < 0.1
    press(driver, " ")
    picture(driver, repository, "face")
    take = studio.get(f"/api/files/{studio.ident('jfk.flac')}/takes").json()["takes"][0]
    assert take["options"] == {"face": "robot", "model": "talker-people"}


def picture(driver: Any, repository: Path, name: str) -> None:
    """Kept in build/, to be looked at; nothing may reach out of view."""
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    screenshot(driver, repository / "build" / f"studio-{name}.png")


@pytest.mark.slow
def test_the_whole_walk_on_real_clips(
    driver: Any, serve: Callable[..., Served], shared_data: Path, tmp_path: Path, repository: Path
) -> None:
    """Uploaded, aligned, a border moved, exported; a shifted film measured, repaired, and measured again."""
    films = tmp_path / "films"
    films.mkdir()
    served = serve(films)
    late = tmp_path / "late.mp4"
    retime(shared_data / "talking" / "RD_Radio34_000.mp4", late, Fraction(240, 1000))
    grid = next((shared_data / "grid_s1" / "video").glob("bbaf2n.mpg"))
    open_screen(driver, served, "library")
    driver.find_element("id", "upload").send_keys(f"{late}\n{grid}")
    until(driver, "return document.querySelectorAll('#library [data-file]').length === 2", "both are there")
    assert (films / "bbaf2n.mpg").read_bytes() == grid.read_bytes()
    driver.execute_script("document.getElementById('choose-all').click()")
    click(driver, "Align", "#screen-library")
    until(driver, "return document.getElementById('ask').open", "the form is shown")
    click(driver, "Begin", "#ask")
    until(
        driver,
        "const all = [...window.studio.jobs.known.values()]; return all.length === 2 && "
        "all.every((job) => job.state === 'done')",
        "both are aligned",
        seconds=800,
    )
    picture(driver, repository, "walk-library")
    open_screen(driver, served, "timeline", "bbaf2n.mpg")
    place = f"/api/clips/{served.ident('bbaf2n.mpg')}/words"
    before = served.get(place).json()["words"]
    assert len(before) >= 2  # the recogniser hears "BIMBLUE F2 now"
    press(driver, "b")
    press(driver, "alt", "→")
    until(driver, "return window.studio.saved()", "it is saved")
    after = served.get(place).json()["words"]
    first = next(number for number, word in enumerate(before) if word["start"] is not None)
    assert Fraction(after[first]["end"]) > Fraction(before[first]["end"])
    exported = served.get(f"{place}/export/srt")
    assert exported.status == 200
    assert b"-->" in exported.body
    open_screen(driver, served, "sync", "late.mp4")
    measured = served.get(f"/api/files/{served.ident('late.mp4')}/sync").json()["sync"]["offset_seconds"]
    click(driver, "Write the repaired file", "#screen-sync")
    until(
        driver,
        "return [...window.studio.jobs.known.values()].some((job) => job.kind === 'repair' && job.state === 'done')",
        "it is repaired",
        seconds=600,
    )
    assert (films / "late.repaired.mp4").is_file()
    open_screen(driver, served, "sync", "late.repaired.mp4")
    click(driver, "Measure the offset", "#screen-sync")
    ident = served.ident("late.repaired.mp4")
    until(
        driver,
        f"return [...window.studio.jobs.known.values()].some((job) => job.file === '{ident}' && job.kind === 'sync' "
        "&& job.state === 'done')",
        "it is measured again",
        seconds=600,
    )
    left = served.get(f"/api/files/{ident}/sync").json()["sync"]["offset_seconds"]
    print(f"measured {measured:+.3f} s before and {left:+.3f} s after the repair")
    assert abs(left) < 0.04 < abs(measured)
    picture(driver, repository, "walk-sync")


@pytest.fixture(scope="module")
def with_takes(studio: Served) -> Served:
    """The same studio: its film has words and a sound, its voice a face, and a film of flashes a measured offset."""
    take = {"library": "mine", "finder": "motion", "takes": 2}
    asked = [
        ("stick.mp4", "open", {}),
        ("flash.mp4", "open", {}),
        ("flash.mp4", "sync", {}),
        ("stick.mp4", "sound", take),
        ("voice.wav", "open", {}),
        ("voice.wav", "animate", {"face": "robot"}),
    ]
    planted(studio.root / "flash.mp4", count=100)
    voice = speak("hello listen", VoiceOptions(rate=16000))
    encode(studio.root / "voice.wav", sound=Sound(np.asarray(voice.samples, np.float32), 16000))
    words = [Word("one", Fraction(1, 2), Fraction(1), 0.9), Word("two", Fraction(1), Fraction(3, 2), 0.4)]
    (studio.root / "stick.genlock").mkdir(exist_ok=True)
    write_json(studio.root / "stick.genlock" / "words.json", Words(words).to_dict())
    for name, kind, options in asked:
        answer = studio.ask(
            "POST", "/api/jobs", told={"kind": kind, "files": [studio.ident(name)], "options": options}
        )
        job = studio.finished(answer.json()["jobs"][0])
        assert job["state"] == "done", job["message"]
    return studio


@pytest.mark.slow
@pytest.mark.parametrize("light", [False, True])
def test_axe_and_a_phone_with_everything_shown(
    driver: Any, with_takes: Served, repository: Path, light: bool
) -> None:
    scheme(driver, light)
    try:
        for size in ((1440, 1000), (390, 844)):
            resize(driver, size)
            for screen, name in SCREENS:
                open_screen(driver, with_takes, screen, name)
                if screen == "sync":
                    until(
                        driver, "return document.querySelector('.knot')?.checkVisibility()", "a Warp is shown"
                    )
                if screen in ("face", "sound"):
                    shown = f"return document.querySelector('#screen-{screen} [data-take]')"
                    until(driver, shown, "its takes are listed")
                if screen == "models":
                    driver.execute_script(
                        "document.querySelector('[data-dataset] button').click();"
                        "document.querySelector('[data-run] button').click();"
                        "[...document.querySelectorAll('[data-model=\"talker-nano\"] button')].at(-1).click()"
                    )
                    until(driver, "return document.querySelector('.clips button, .clips .empty')", "clips")
                    until(
                        driver,
                        "return document.querySelector('.model-card') && document.querySelector('.curves')",
                        "a card",
                    )
                    driver.execute_script("document.querySelector('.clips button').click()")
                    until(
                        driver,
                        "return document.querySelectorAll('.outputs tbody tr').length === 5",
                        "outputs",
                    )
                found = serious_faults(driver)
                assert found == [], (screen, size)
                # A phone makes its view as wide as what is in it: that is asked of the width that was given.
                wide = driver.execute_script(
                    "return document.documentElement.scrollWidth <= arguments[0] ? [] : "
                    "[...document.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > arguments[0])"
                    ".map((e) => e.outerHTML.slice(0, 80))",
                    size[0],
                )
                assert wide == [], (screen, size)
                kind = f"{'light' if light else 'dark'}-{size[0]}"
                screenshot(driver, repository / "build" / f"studio-{screen}-{kind}.png")
    finally:
        resize(driver, (1440, 1000))
        scheme(driver, False)
