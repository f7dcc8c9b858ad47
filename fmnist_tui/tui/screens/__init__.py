"""The four screens, and the small ones that open over them."""
