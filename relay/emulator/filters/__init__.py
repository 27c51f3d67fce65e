"""Filter expressions: read, checked, and applied to what is to be recommended."""
