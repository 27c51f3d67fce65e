"""Real click streams through the front door: a file's events as the beacons a snippet would have made of them.

`streams` reads the file, `packing` makes beacons, `sender` posts them, `ledger` compares what was accepted with what
arrived. It knows the relay only over HTTP.
"""
