"""What the origin project claims of its networks, measured on ours."""
