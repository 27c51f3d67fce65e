"""HTTP in, HTTP out, no policy: each route asks the parts below and puts their answer into bytes."""
