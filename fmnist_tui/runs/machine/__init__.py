"""What this machine has and lacks: the checks behind `doctor`, and what a logout would end."""
