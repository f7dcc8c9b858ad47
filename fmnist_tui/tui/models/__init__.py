"""Screen 2: the models, and the form that trains them."""
