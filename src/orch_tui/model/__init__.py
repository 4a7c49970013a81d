"""The nouns and rules: frozen values and pure functions."""
