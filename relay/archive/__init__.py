"""Delivered events that are kept, where somebody asks for it: `segments` are the files, `archive` is who writes them.

Off by default. It is a convenience, to fill another dataset group from it, and no second spool: what was written in the
last moments before a crash may be missing, an event delivered twice may be in it twice.
"""
