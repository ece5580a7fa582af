"""Charts, matrices and sheets of small pictures, worked out for pages to draw."""
