"""Where the twin runs: component hosts and the Ray actors that carry them."""
