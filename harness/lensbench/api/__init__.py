"""The contracts between the harness and its plugins: values and protocols, nothing that runs."""
