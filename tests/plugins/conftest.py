"""The package of plug-ins is installed by a test, not collected."""

collect_ignore = ["tones"]
