"""Where candidates are trained: in this process, in a simulation, or on Ray workers.

An executor takes candidates and gives evaluations; it never knows what evaluating means. The callable that
evaluates is made once in every worker. Workers get leases, small batches of candidates; one dispatcher decides
for the simulation as well as for Ray which worker gets which, and which candidate is to blame when one is lost.
"""
