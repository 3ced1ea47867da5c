"""Estimators of the offset: each takes Evidence and gives an Estimate."""
