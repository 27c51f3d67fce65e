"""Events to records: from a browser, from a backend."""
