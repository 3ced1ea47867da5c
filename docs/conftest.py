"""The documents' examples are tests; the programs that make the pages and pictures are not."""

# On its import tyro puts all of builtins into a set, and doctest leaves the last answer there as `_`, hashable or not.
import tyro  # noqa: F401

collect_ignore_glob = ["build.py", "site.py", "pictures/*.py"]
