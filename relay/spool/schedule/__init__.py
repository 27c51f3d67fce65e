"""Which session is next, and who was there before: what every backend shares. In memory, without a word of SQL."""
