"""One cell to its records: the only room that runs plugin code for results."""
