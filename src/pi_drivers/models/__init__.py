"""What Viam sees: a folder for each Viam API, a file for each model."""
