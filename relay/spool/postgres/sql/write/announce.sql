-- Groups were stored. Told by a connection that waits for no disk, after the commit.
SELECT pg_notify('relay', $1)
