"""Event trackers, and how one waits for resources of the service."""
