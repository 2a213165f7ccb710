"""The plugins that come with lensbench. They use its public names alone."""
