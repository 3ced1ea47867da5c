"""A voice made by rule, whose times are planted."""
