"""Looking at a spool and repairing it, also from another process while the relay runs."""
