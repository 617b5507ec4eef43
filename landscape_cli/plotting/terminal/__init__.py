"""Pictures in a terminal, as coloured Unicode blocks or plain characters."""
