"""Where batches go: `base` is the seam, `personalize`, `jsonl` and `memory` stand behind it."""
