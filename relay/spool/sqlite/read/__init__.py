"""What a lease reads, and what need not be read again."""
