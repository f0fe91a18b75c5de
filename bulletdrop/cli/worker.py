"""One of the processes of a server with several workers. No command for people: the server starts it."""

from __future__ import annotations

import os
import sys

from bulletdrop.cli.serve import leave_out_unused
from bulletdrop.errors import BulletDropError, Rejected
from bulletdrop.log import get_logger, set_up_logging

log = get_logger("server")

# When the parent is gone without a word, as after kill -9, what is under way gets this long, in seconds.
_ORPHAN_SECONDS = 2.0


def work(pipe: int) -> None:
    """Answer on the parent's socket until it says to end, or is gone. Ends the process.

    Args:
        pipe: the descriptor that the orders come from; the parent holds its other end as long as it lives.
    """
    from bulletdrop.web.orders import HOPELESS, receive_orders
    from bulletdrop.web.parent import end_with_pipe

    try:
        orders = receive_orders(pipe)
    except EOFError:
        sys.exit(1)
    set_up_logging(level=orders.config.log_level)
    end_with_pipe(pipe, patience=_ORPHAN_SECONDS)
    leave_out_unused(orders.config)
    # As `open_site` does, which comes after files that may be made while modules are loaded.
    os.umask(0o077)
    from bulletdrop.web.app import serve_as_worker

    try:
        serve_as_worker(orders)
    except BulletDropError as error:
        log.error("a worker cannot start: %s", error.message)
        sys.exit(HOPELESS if isinstance(error, Rejected) else 1)
