"""What the HTTP API takes and gives."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from signaling.fields import Role

MAX_LIFETIME_S = 366 * 24 * 3600

SessionId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@-]{1,64}$")]
DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Lifetime = Annotated[int, Field(ge=60, le=MAX_LIFETIME_S)]
"""Seconds."""


class NewSession(BaseModel):
    """What to make."""

    id: SessionId | None = Field(
        default=None, description="Lower case letters, digits and hyphens; made up when left out."
    )
    title: str = Field(
        min_length=1, max_length=120, description="Shown on the pages.", examples=["Serum trial, week 2"]
    )
    open: bool = Field(default=False, description="Whether members may join without a token.")
    token_lifetime_s: Lifetime | None = Field(
        default=None, description="Lifetime of the links, in seconds; 30 days by default."
    )


class SessionTokens(BaseModel):
    """Join links' tokens: whoever joins with one becomes a new person of this role."""

    host: str
    moderator: str
    member: str


class SessionLinks(BaseModel):
    """Where people and programs go."""

    host: str = Field(description="Page of the host, token included.")
    moderator: str = Field(description="The same page for a moderator.")
    member: str = Field(description="Page of the members; without a token where the session is open.")
    whip: str = Field(description="Publish here with a standard encoder; its bearer token is the host's.")
    whep: str = Field(description="Receive here with a standard player; its bearer token is any of the session.")


class Session(BaseModel):
    """A session."""

    id: str
    title: str
    open: bool
    created_at: int = Field(description="Milliseconds since 1970.")
    present: int = Field(description="People connected to this node.")
    live: bool = Field(description="Whether anybody publishes at this node.")


class CreatedSession(BaseModel):
    """A new session, and how to get in. The tokens cannot be read again; more can be made."""

    id: str
    title: str
    open: bool
    created_at: int = Field(description="Milliseconds since 1970.")
    links: SessionLinks
    tokens: SessionTokens


class NewToken(BaseModel):
    """For whom."""

    role: Role = "member"
    person: PersonId | None = Field(
        default=None, description="Your id of this person: votes and questions belong to it."
    )
    name: DisplayName | None = Field(default=None, description="Shown to others; nobody can change it with this token.")
    tier: int = Field(
        default=0, ge=0, le=9, description="Of a loyalty programme; counts in the fair order of questions."
    )
    lifetime_s: Lifetime | None = Field(default=None, description="Seconds; 30 days by default.")


class CreatedToken(BaseModel):
    """A token, and the page that it opens."""

    token: str
    link: str
