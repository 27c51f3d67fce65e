"""Datasets and their schemas, and whether events fit them."""
