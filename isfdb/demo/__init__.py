"""``isfdb demo``: a real notebook, real measurements, and what isfdb makes of them."""
