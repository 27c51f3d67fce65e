"""The durable queue: `base` is the seam, `memory` and `sqlite` stand behind it."""
