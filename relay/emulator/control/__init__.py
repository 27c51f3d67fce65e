"""`personalize`: resources, their states and the operations on them."""
