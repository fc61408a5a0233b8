"""One question a file about what is running: code, packages, machine, cells. They look and answer; they know nothing of storage."""
