"""Sound for a silent video: from pictures to events, from events to codes of sound, from codes to sound."""
