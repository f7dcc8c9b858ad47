"""Why CNNs: the original project's claims, each as a chart with its verdict."""
