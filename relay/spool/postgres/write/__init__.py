"""What any relay writes: records, bindings, what was settled, erasures."""
