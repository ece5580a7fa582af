"""The contextual model, and how its vectors are judged."""
