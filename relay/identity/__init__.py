"""Who is this: signed tokens, bindings, erasures, and the decision they lead to."""
