"""How the parts of a model act on each other: what its network diagram and influence map show."""
