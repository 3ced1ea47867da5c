"""Speech that is heard and seen: streams, search, the recogniser ``avsr:FOLDER``; one file each."""
