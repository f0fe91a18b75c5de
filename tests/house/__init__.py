"""The rules of the house, as tests: who may import whom, how long things may grow, what the README promises."""
