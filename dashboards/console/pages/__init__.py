"""The pages of the console, each a module with a tuple `PAGES`."""
