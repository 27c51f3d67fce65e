"""Settings in, a running relay out. Only here and in `cli` a backend is named."""
