"""The spool in one SQLite file: `spool` is the facade, the rooms are what it stands on."""
