"""What every call passes: signatures, decoding, errors, quotas, and the faults that strike on purpose."""
