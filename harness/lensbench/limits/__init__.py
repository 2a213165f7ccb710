"""What no method can pass: information limits of what is measured, for tables to stand beside.

It takes no part in results, so it changes no key of theirs.
"""
