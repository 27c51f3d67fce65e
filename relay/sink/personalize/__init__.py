"""Amazon Personalize: connections, signatures, account, and the sink made of them."""
