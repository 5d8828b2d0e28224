"""Where candidates are trained: in this process, in a simulation, or on Ray workers.

An executor takes candidates and gives evaluations; it never knows what evaluating means. The callable that
does it is handed over as a factory and built once in every worker.
"""
