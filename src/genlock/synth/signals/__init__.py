"""Test signals whose sync is known exactly."""
