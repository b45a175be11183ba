"""From scenarios to runs: plans, stock cultures, many wells and parameter sets together, derivatives."""
