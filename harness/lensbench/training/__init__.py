"""What trains and encodes: loops, checkpoints, random states, devices and processes."""
