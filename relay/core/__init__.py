"""What every room stands on: the model, limits, settings, clock and logs. Imports nothing above it."""
