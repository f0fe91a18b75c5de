"""Files from strangers: told apart, proved whole, stripped, and decoded in a child. Knows nothing of the product."""
