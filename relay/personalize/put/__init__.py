"""PutUsers, PutItems, PutActions from files: rows, cells, chunks, calls, and how far it went."""
