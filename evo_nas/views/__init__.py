"""What is told of runs, data and champions, as plain values: the command line prints them, the service sends them."""
