"""Quality of a store's model and searches by its own labels, and its history."""
