"""Studies: many runs of the simulator that answer one question: is a claim true, which figures must a device have."""
