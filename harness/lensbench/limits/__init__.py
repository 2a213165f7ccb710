"""How well a lens can be measured: local references and bounds, which tables show beside scores.

It takes no part in results, so it changes no key of theirs.
"""
