"""What the emulator remembers: calls, records, and the journal that keeps them on disk."""
