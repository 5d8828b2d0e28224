"""What the documentation's figures come from: each module prints its tables and the command that gives them."""
