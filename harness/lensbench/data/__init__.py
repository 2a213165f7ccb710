"""Images in and out: reads what exists, says what is wrong with it, writes what others can read."""
