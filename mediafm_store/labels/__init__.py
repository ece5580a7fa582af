"""What people say of titles, shots and scenes."""
