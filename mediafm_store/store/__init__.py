"""The public face: a store, its titles and what is found in it, as objects with methods."""
