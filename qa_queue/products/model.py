"""What product cards are made of."""

from qa_queue.model import Entity


class Product(Entity, frozen=True, kw_only=True):
    """A product card. Who clicked, and who wants a sample, are facts of the state."""

    title: str
    pinned: bool
    picture: str | None = None
    link: str | None = None
    price: str | None = None
    deleted: bool = False
