"""What a text asks for, and how well shots match it."""
