"""Commands of the chat, of announcements, products and draws."""

from typing import Annotated

from msgspec import Meta

from signaling.commands.base import BaseCommand
from signaling.fields import Id, LongText, Nonce, ShortText, Time, Url


class Say(BaseCommand, frozen=True, kw_only=True):
    """A line of chat."""

    text: LongText


class Announce(BaseCommand, frozen=True, kw_only=True):
    """An announcement; `at`: not before, null for now."""

    text: LongText
    pinned: bool = False
    at: Time | None = None


class AnnouncementPin(BaseCommand, frozen=True, kw_only=True):
    """Pin it, or not."""

    announcement: Id
    pinned: bool


class AnnouncementWithdraw(BaseCommand, frozen=True, kw_only=True):
    """Take it back, whether it was shown or not."""

    announcement: Id


class ProductAdd(BaseCommand, frozen=True, kw_only=True):
    """A product card."""

    title: ShortText
    picture: Url | None = None
    link: Url | None = None
    price: ShortText | None = None


class ProductPin(BaseCommand, frozen=True, kw_only=True):
    """Show one card, instead of another; null: none."""

    product: Id | None


class ProductClick(BaseCommand, frozen=True, kw_only=True):
    """This person opened the link."""

    product: Id


class ProductSample(BaseCommand, frozen=True, kw_only=True):
    """This person would like a sample."""

    product: Id


class DrawOpen(BaseCommand, frozen=True, kw_only=True):
    """A draw of `prizes` winners; its commitment is public from now on."""

    title: ShortText
    prizes: Annotated[int, Meta(ge=1, le=100)] = 1


class DrawEnter(BaseCommand, frozen=True, kw_only=True):
    """Take part, once. `nonce`: random, of the entrant; it goes into the result."""

    draw: Id
    nonce: Nonce


class DrawClose(BaseCommand, frozen=True, kw_only=True):
    """Take no more entries and draw."""

    draw: Id


class DrawCancel(BaseCommand, frozen=True, kw_only=True):
    """End it without winners."""

    draw: Id
