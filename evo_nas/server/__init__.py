"""The service: runs and sessions over HTTP, and a page for browsers.

It keeps nothing of its own: run directories are its state and the command line is its engine. So it can be killed and
started again at any time, and several services may share one root.
"""
