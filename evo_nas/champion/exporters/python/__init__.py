"""The format ``python``: a champion as one file that a person can read, and that runs with torch alone.

The equations of its cells are written as code (`cells`), the network as the list of its steps (`networks`), and what
leads from raw data to answers beside them (`answers`). All else is copied from the `blocks`, and only what is needed
(`library`). The weights lie beside the file, by the names that they have in it.
"""
