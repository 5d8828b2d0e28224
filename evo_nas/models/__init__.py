"""From an `Architecture` to a `torch.nn.Module`.

A `Recurrence` runs one cell graph over whole sequences. Each subclass is a backend, and all backends have the same
parameters under the same names, so that a state dict moves between them. `backends.BACKENDS` lists them, fastest
first, and each layer takes the first that supports its cell. `Network` stacks the layers and adds the head.
"""
