"""The spool in PostgreSQL, shared by any number of relays: append anywhere, deliver by the owner.

`spool` is the facade. Every relay appends every beacon (`write`); each of 64 ranges of sessions has one owner at a
time, who alone delivers it (`owner`): its index in memory is a hint, the truth is read when it leases. Relays do not
talk to each other. Statements are files in `sql`, one named transaction each.
"""
