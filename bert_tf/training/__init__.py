"""`keras fit` under a distribution strategy, resumable at any checkpoint."""
