"""What every driver needs while it runs: opening and closing, polling, one motion at a time, safety."""
