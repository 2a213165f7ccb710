"""Earns a board's rows their tiers: scored again, run again, tried on fresh scenes.

It runs plugin code through `cells` and takes no part in results, so that a change here changes no
key.
"""
