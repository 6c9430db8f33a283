"""The families of commands, a module each: `watchkeeper.cli.root` lists them and imports the one asked for."""
