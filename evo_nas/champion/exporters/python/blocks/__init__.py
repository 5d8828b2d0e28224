"""The building blocks of an exported Python file: each definition is copied into it, as it stands, where it is needed.

They use torch and Python's own library alone, and nothing of this package. A definition may use others of this folder;
`library.Library` finds these by their names. Import a module of Python as a whole (``import csv``).
"""
