"""Amazon Personalize: connections, signatures, account; the caller made of them; on it the sink and `events_client`."""
