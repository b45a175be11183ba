"""The command `nicheloop`: it parses, calls and prints; everything it can do, the package can."""
