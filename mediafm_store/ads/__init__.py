"""Lists of ads, and which ad fits which break."""
