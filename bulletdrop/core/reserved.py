"""Words that can be nobody's slug, username or custom name."""

from __future__ import annotations

# The first parts of our own paths, of paths that browsers and robots ask for, and words that would mislead people.
RESERVED: frozenset[str] = frozenset(
    """
    a about account admin albums analytics api app apple-touch-icon assets auth billing cdn clients d dashboard delete
    device devices docs domains download embed error export favicon files health help home i import info invite
    keys l legal links login logout manifest me metrics new null oembed pair password ping plans privacy profile public
    ready register robots root s search secret secrets security service-worker session sessions settings setup share
    sharex signin signout signup sitemap static stats status support sw system tag tags teams terms trash tus u undefined
    upload uploads user users verify view views www well-known .well-known index
    """.split()
)


def is_reserved(word: str) -> bool:
    """True for a word that is ours, in any case, with or without an ending."""
    folded = word.casefold().strip()
    return folded in RESERVED or folded.split(".", 1)[0] in RESERVED
