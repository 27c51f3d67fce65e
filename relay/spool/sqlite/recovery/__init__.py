"""A damaged file: what is still sound in it, read page by page."""
