"""What runs mean: which count, how the versions compare, and what is taken away for a report."""
