"""The script that made a stored value: shown, turned into a notebook, run again in a clean process and compared."""
