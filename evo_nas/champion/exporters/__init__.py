"""The formats that a champion can leave in; a new format is a new file and a line in `registry`."""
