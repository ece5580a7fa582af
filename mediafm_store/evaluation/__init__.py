"""How good a store's model and searches are by its own labels, and how that changed."""
