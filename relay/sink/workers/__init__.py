"""The sink in several processes: the calls' cost is paid on other cores."""
