"""The alert router's shell: its broker, its store, its figures."""
