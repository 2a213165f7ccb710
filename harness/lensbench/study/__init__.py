"""From a request to a plan: which cells there are and what each depends on. Values only."""
