"""SpecVQGAN (Iashin & Rahtu 2021) as published: codebook, transformer, MelGAN, and the classifier of its measures.

Entries have the names of the public checkpoints. Needs the optional torch.
"""
