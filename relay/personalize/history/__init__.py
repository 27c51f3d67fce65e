"""Interactions of the past: files of them, read and written."""
