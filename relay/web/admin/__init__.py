"""The pages people look at, on the admin listener only."""
