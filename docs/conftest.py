"""The documents' examples are tests; the programs that make the pages and pictures are not."""

collect_ignore_glob = ["build.py", "pictures/*.py"]
