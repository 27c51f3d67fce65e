"""What this relay alone delivers: shards, what waits in them as far as it knows, and the truth when it leases."""
