"""One function for each command, in a module of its own. The command line and the studio call these.

They are imported from their modules, so that a command waits for nothing that it does not use.
"""
