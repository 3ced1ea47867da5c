"""Protocols, baselines and tables: ``genlock bench NAME``."""
