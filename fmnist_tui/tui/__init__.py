"""What you see: the app, its screens and widgets, a style sheet beside each screen."""
