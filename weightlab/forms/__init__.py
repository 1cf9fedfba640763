"""How weights depend on similarities: the forms, and the sums and positives that they are made of."""
