"""The file: its connections, rows, tables, opening and upgrade."""
