"""Torch modules, and the loading of other people's. Needs the ``models`` extra; nothing else imports torch."""
