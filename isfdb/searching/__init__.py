"""Finds keys by what is known about them. The folder is the truth; what is kept in the user's cache folder only saves time."""
