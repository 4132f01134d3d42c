"""What drivers speak: a folder for each bus, holding its contract, its real and its mock back end."""
