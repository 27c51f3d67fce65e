"""From the spool to the sink: the dispatcher's loop, batching, pace, and what happens to a lease."""
