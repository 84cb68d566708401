"""What reactions take."""

from qa_queue.spec import Spec

REACT = Spec("qa_queue.reactions", "react", "system")
"""Not a command of the protocol: the taps of a node's people together."""
