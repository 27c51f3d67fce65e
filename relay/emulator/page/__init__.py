"""Looking into the emulator: `/_emulator/...` and the live page."""
