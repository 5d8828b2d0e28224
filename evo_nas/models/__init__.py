"""From an `Architecture` to a `torch.nn.Module`.

A `Recurrence` runs one cell graph over whole sequences. There are several ways to do that, all with the same
parameters under the same names: `paths.PATHS` lists them, fastest first, and each layer takes the first that
supports its cell, so that a state dict moves between paths. `Network` stacks the layers and adds the head.
"""
