"""Models and problems in formats that other tools read."""
