"""The models: what one is (spec), those that are known (registry, builtin), and the networks and layers they use."""
