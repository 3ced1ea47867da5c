"""Alignment algorithms on arrays: they know neither files nor models, so each is tested on a planted truth."""
