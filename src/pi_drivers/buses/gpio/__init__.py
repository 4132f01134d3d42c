"""General purpose input and output pins."""
