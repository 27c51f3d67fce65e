"""`personalize-events`: events, users, items and actions as they come."""
