"""From a machine config to frozen, typed settings, or one message that names every mistake."""
