"""`personalize-runtime`: what is learned from what came, and recommended."""
