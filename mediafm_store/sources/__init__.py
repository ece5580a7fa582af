"""The videos of a folder, what lies beside them, and the ids they get."""
