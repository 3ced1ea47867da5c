"""What the project promises about itself: a core without torch, layers that point downward, no pickle."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import genlock

SOURCE = Path(genlock.__file__).parent
OURS_ARE_LOADED = "import sys, genlock; print(sorted(name for name in sys.modules if '.' not in name))"

#: Pure algorithms on arrays and Tracks know neither files nor models.
ALGORITHMS_NEVER_IMPORT = {"media", "models", "weights"}

#: May import at their top what only an extra installs.
NEED_THE_EXTRAS = {"data", "models", "train", "studio"}

#: Used where a person has installed them by hand; no extra of ours names them.
OPTIONAL = {"yt-dlp", "ipython", "sentencepiece"}
# Under the GPL: never imported by the package, only by a file that runs as a process of its own.
ELSEWHERE = {
    "synth/talkers/vtl_child.py": {"vocaltractlab-cython"},
    "drawing/opencv.py": {"opencv-contrib-python-headless"},  # for the type checker alone
}


def modules_of(part: str) -> list[Path]:
    return sorted((SOURCE / part).rglob("*.py"))


def imports_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Absolute names of the modules that are imported anywhere below ``tree``, and their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno


def test_version_is_that_of_the_installed_package() -> None:
    assert genlock.__version__ == metadata.version("genlock")


def test_import_genlock_does_not_import_torch() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", OURS_ARE_LOADED], capture_output=True, text=True, check=True
    )
    assert "'genlock'" in loaded.stdout
    assert not {"torch", "transformers", "torchaudio"} & set(ast.literal_eval(loaded.stdout))


@pytest.mark.parametrize("path", modules_of("core"), ids=lambda path: path.stem)
def test_core_imports_only_the_standard_library_and_numpy(path: Path) -> None:
    for name, line in imports_in(ast.parse(path.read_text("utf-8"))):
        allowed = name.split(".")[0] in {*sys.stdlib_module_names, "numpy"} or name.startswith("genlock.core")
        assert allowed, f"{path.name}:{line} imports {name}"


def test_algorithms_know_neither_files_nor_models() -> None:
    for path in modules_of("aligners"):
        for name, line in imports_in(ast.parse(path.read_text("utf-8"))):
            parts = name.split(".")
            known = parts[0] == "genlock" and len(parts) > 1 and parts[1] in ALGORITHMS_NEVER_IMPORT
            assert not known, f"{path.name}:{line} imports {name}"


@pytest.mark.parametrize("path", modules_of("."), ids=lambda path: str(path.relative_to(SOURCE)))
def test_functions_import_only_third_party_packages(path: Path) -> None:
    """Imports stand at the top; only what may not be installed (and our modules that need it) may wait."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for name, line in imports_in(node):
                root, part = [*name.split("."), ""][:2]
                own = root in sys.stdlib_module_names or (root == "genlock" and part not in NEED_THE_EXTRAS)
                assert not own, f"{path.relative_to(SOURCE)}:{line} imports {name} inside {node.name}()"


def test_no_pickle() -> None:
    """Nothing is unpickled but by the reader that builds nothing of what a pickle asks for."""
    for path in modules_of("."):
        if path == SOURCE / "models" / "inert_pickle.py":
            continue
        for name, line in imports_in(ast.parse(path.read_text("utf-8"))):
            assert name.split(".")[0] not in {"pickle", "shelve", "joblib"}, (
                f"{path.name}:{line} imports {name}"
            )


def declared() -> tuple[set[str], set[str]]:
    """Names of the distributions that pyproject.toml names: those of the core, and those of the extras."""
    with open(SOURCE.parent.parent / "pyproject.toml", "rb") as stream:
        project = tomllib.load(stream)["project"]

    def names(requirements: list[str]) -> set[str]:
        return {canonical(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements}

    extras = project["optional-dependencies"]
    return names(project["dependencies"]), set().union(*(names(each) for each in extras.values()))


def canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def not_in_functions(tree: ast.Module) -> set[int]:
    """Lines of the imports that run when the module is loaded (not those for type checkers only)."""
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom | ast.Try)]
    return {line for node in nodes for _, line in imports_in(node)}


def test_every_package_that_is_imported_is_declared() -> None:
    core, extras = declared()
    owners = metadata.packages_distributions()
    for path in modules_of("."):
        tree = ast.parse(path.read_text("utf-8"))
        at_load = not_in_functions(tree)
        part = path.relative_to(SOURCE).parts[0]
        for name, line in imports_in(tree):
            root = name.split(".")[0]
            if root in {*sys.stdlib_module_names, "genlock"}:
                continue
            distributions = {canonical(each) for each in owners.get(root, [root])}
            allowed = core if line in at_load and part not in NEED_THE_EXTRAS else core | extras | OPTIONAL
            allowed = allowed | ELSEWHERE.get(path.relative_to(SOURCE).as_posix(), set())
            assert distributions & allowed, f"{path.relative_to(SOURCE)}:{line} imports {name}, not declared"


DOCS = SOURCE.parents[1] / "docs"


def test_the_picture_of_the_floors_shows_every_room() -> None:
    """Pictures are made by ``python docs/build.py --pictures``; ``make docs`` compares all of them."""
    rooms = {
        path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    shown = (DOCS / "pictures" / "floors.svg").read_text(encoding="utf-8")
    missing = [room for room in sorted(rooms - {"__init__", "__main__"}) if f">{room}<" not in shown]
    assert not missing, (
        f"run `python docs/build.py --pictures` and commit what changed: {missing} are not shown"
    )


def test_pages_show_pictures_that_are_in_the_repository() -> None:
    for page in sorted(DOCS.rglob("*.md")):
        for picture in re.findall(r"!\[[^]]*\]\(([^):]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / picture).is_file(), f"{page.name}: {picture}; see docs/build.py"


#: What other systems than POSIX do not have; where it is used, it is asked for first.
POSIX_ONLY = {
    "killpg",
    "fork",
    "getuid",
    "geteuid",
    "setsid",
    "getpgid",
    "mkfifo",
    "SIGKILL",
    "SIGHUP",
    "SIGUSR1",
}
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"}


@pytest.mark.parametrize("path", modules_of("."), ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_only_posix_has_is_asked_for_first(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    tried = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Try) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names} & POSIX_MODULES
            assert not names or id(node) in tried, (
                f"{path.name}:{node.lineno} imports {names} without a way out"
            )
        if isinstance(node, ast.Attribute) and node.attr in POSIX_ONLY and isinstance(node.value, ast.Name):
            asked = 'hasattr(os, "' in text or "hasattr(signal, " in text
            assert asked, f"{path.name}:{node.lineno} uses {node.value.id}.{node.attr} and never asks for it"


def test_a_dataset_is_prepared_where_files_have_no_locks() -> None:
    """As on Windows, which has no ``fcntl``."""
    program = (
        "import sys; sys.modules['fcntl'] = None\n"
        "import os; del os.killpg\n"
        "import tempfile, genlock.data.prepare\n"
        "from genlock.core.process_lock import only_process\n"
        "with only_process(tempfile.mkdtemp() + '/lock') as alone:\n"
        "    print(alone)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"


def test_no_test_stops_the_clock_of_the_whole_process() -> None:
    """A studio of other tests slept for ever: its loop asked a patched ``time.monotonic`` how long it may sleep.

    A module's own name for ``time`` may be another one for a while; the functions of ``time`` may not.
    """
    patched = re.compile(r"""setattr\(\s*(?:[\w.]*\btime,\s*["']|["'][\w.]*\btime\.\w+["'])""")
    assert patched.search('setattr(running.time, "monotonic"')
    assert patched.search('setattr("genlock.bar.time.monotonic"')
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        if path != Path(__file__):
            found = patched.search(path.read_text("utf-8"))
            assert not found, f"{path.name}: {found and found[0]} is every thread's clock"


def test_the_container_is_given_what_it_copies() -> None:
    """A build once ended at a file that ``.dockerignore`` kept from it."""
    root = Path(__file__).parent.parent
    let_in = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (.+) \S+$", (root / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == let_in
    assert all((root / name).exists() for name in names)
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"].keys() <= names
