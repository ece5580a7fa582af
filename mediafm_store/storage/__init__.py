"""The store: titles, shots, words and vectors, read and written as a whole."""
