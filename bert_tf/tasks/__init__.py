"""What BERT is trained to do, a file each."""
