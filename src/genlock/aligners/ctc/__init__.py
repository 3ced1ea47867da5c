"""Words into sound by a CTC model's emissions, exactly."""
