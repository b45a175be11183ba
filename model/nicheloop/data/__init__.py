"""Published data that ship with the package, each with its source: see README.md in this folder."""
