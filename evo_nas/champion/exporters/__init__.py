"""The formats in which a champion can be exported; a new format is a new file and a line in `registry`."""
