"""Executors train candidates: in this process, in a simulation, or on Ray workers.

An executor takes candidates and returns evaluations; it does not know how candidates are evaluated. Every worker makes
its evaluator once. Workers get leases, which are small batches of candidates. The simulation and Ray share one
dispatcher, which decides who gets which lease and which candidate is to blame when a worker is lost.
"""
