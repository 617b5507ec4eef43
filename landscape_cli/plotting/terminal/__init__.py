"""Pictures in a terminal, of Unicode blocks with colour or of plain characters."""
