"""Networks: torch modules of our own, and the running of other people's checkpoints.

Each file imports the package that it runs on (torch, transformers, ai-edge-litert) and says how to get it
where it is missing; the rest of Genlock works without them.
"""
