"""The durable queue between accepting an event and delivering it: `contract` is the seam, the rest stands behind it.

The life of a record: `append` puts one to ten events of a beacon into the queue of the committing thread. That thread
takes all that waits there as one group: it leaves out events that are here already (`schedule.dedup_window`), numbers
the others, writes each record as one row with one checksum, and syncs once. Back on the loop the record joins its
session in the pending index, the receipt is done, and the beacon gets its 202. `lease` asks the index whose turn it is
and gives at most a call's worth of one session, from memory or read back from disk and checked. `settle` takes what was
delivered or buried out of the index at once, and out of the file with the next commit. A record whose events have not
all left is written anew with those that wait; a buried event is a row of its own. Erasing takes both.

Who owns which thread: the loop owns index, ledger, cache, leases and receipts; the committing thread owns the one
connection that writes, and everything that is changed on disk is a job in its queue; a reader has a connection and a
thread of its own, so that a lease never waits for an fsync.

What is durable when: an append, its binding with it, once its receipt is done; an erasure when it answers, its bytes
gone from file and WAL; a settle with the next commit, 50 ms later at most: a crash in between repeats a delivery under
the same event id. Free pages are overwritten and the WAL is cut off within a minute.

`schedule` is shared by all backends and knows of none; `memory`, `sqlite` and `postgres` implement the contract. In
`sqlite`: file/ what a row is, write/ the committing thread, read/ leases, recovery/ a damaged file, admin/ other
processes. In `postgres` there is no file and no thread: `write/` is what any relay may do, `owner/` what one does.
"""
