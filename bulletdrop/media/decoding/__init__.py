"""The one full decode: a pool of caged children, and what a child does with a picture."""
