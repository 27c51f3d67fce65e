"""What happened, for people who ask why: a bounded log of beacons and calls, and counts by cause."""
