"""How well shots match what is looked for, and how often chance finds as good."""
