"""Reports: results of commands as JSON files, written whole."""
