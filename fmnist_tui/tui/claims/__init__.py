"""Why the CNN wins: the original project's claims, measured."""
