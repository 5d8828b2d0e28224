"""What a child learns: data, splits, loss and metric, as plain arrays.

A task reads its files once and gives a `Dataset`; it knows neither networks nor torch.
"""
