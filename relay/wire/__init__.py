"""Bytes to typed events: one beacon decoded, one event checked and encoded."""
