"""The one thread that writes: group commit, what it commits, and the lock of the process."""
