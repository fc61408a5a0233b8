"""The smallest part of what a session executed that still makes a value: found by reading the code, never by running it."""
