"""Reports for people: one file each, without a script and without the network."""
