"""HTTP: the only room that knows it. Listeners, routes, and the pages people look at."""
