"""Programs that compare with named peers.

A regular package, since pysbd installs another of this name.
"""
