"""The server API: what the site's backends send, with a server token."""
