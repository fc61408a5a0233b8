"""Which file lies where, format by format: path arithmetic, no reading or writing."""
