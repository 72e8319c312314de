"""From measured kernels to a unit's constants: what ``hiersim calibrate`` reads, fits and writes."""
