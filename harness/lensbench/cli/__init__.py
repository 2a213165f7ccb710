"""The command line: one file a verb. It parses, calls and prints; it computes nothing."""

from lensbench.cli.main import main as main
