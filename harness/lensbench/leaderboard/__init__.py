"""Tables and pictures, from records and predictions alone."""
