"""One module per category: how a sound part is made."""
