"""Datasets: from a folder of videos to training data, once, on one machine or many."""
