"""Runs the notebooks of examples/ and keeps what they show, as the site of the documents has it.

python tools/run_notebooks.py [NAME ...]        all, or examples/NAME.ipynb; look at them, and commit them
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_TEMPORARY = re.compile(r"(/[\w/.-]*)?/tmp\w{8}(?=/)")
_RESET = "\x1b[0m"  # colorama, where it is installed, ends a program with it
_LONGEST_SECONDS = 600


def run_notebook(path: Path) -> Any:
    """The notebook with what its cells show now, in a kernel of the Python that runs this.

    Raises nbclient.exceptions.CellExecutionError if a cell ends with an error.
    """
    notebook = nbformat.read(path, as_version=4)
    # `genlock` in a cell is the one beside this Python, and the kernel is this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    client = NotebookClient(
        notebook,
        timeout=_LONGEST_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    for cell in notebook.cells:
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if not _is_gone(output)]
            for output in cell["outputs"]:
                _forget_this_machine(output)
    return notebook


def _is_gone(output: Any) -> bool:
    """Whether it was a progress bar, which is empty when the work is done."""
    return output.get("data", {}).get("text/html") == ""


def _forget_this_machine(output: Any) -> None:
    """Take temporary folders out of what a cell shows."""
    if "text" in output:
        output["text"] = _TEMPORARY.sub("", output["text"].replace(_RESET, ""))
    for kind, shown in output.get("data", {}).items():
        if kind.startswith("text/"):
            output["data"][kind] = _TEMPORARY.sub("", shown)


def main(names: list[str]) -> None:
    """Run notebooks by name, or all."""
    for path in [EXAMPLES / f"{name}.ipynb" for name in names] or sorted(EXAMPLES.glob("*.ipynb")):
        notebook = run_notebook(path)
        nbformat.write(notebook, path)
        print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
