"""The kinds of fields that messages are made of: their shapes and bounds."""

from typing import Annotated, Literal

from msgspec import Meta

# `$` also matches before a final line feed; `(?!\n)` closes that gap in Python and in ECMAScript.
SessionId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$(?!\n)", max_length=40)]
CommandId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$(?!\n)", max_length=40)]
DeviceId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}$(?!\n)", max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=40)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Sdp = Annotated[str, Meta(min_length=1, max_length=200_000)]
Ticket = Annotated[str, Meta(min_length=1, max_length=256)]
Sequence = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Time = Annotated[int, Meta(ge=0, le=9_999_999_999_999)]
"""Milliseconds since 1970 by the server's clock."""
Count = Annotated[int, Meta(ge=0)]
Stage = Annotated[float, Meta(ge=0, le=120_000)]
"""Of a join: milliseconds from the tap."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
"""Of anything in the state of a session, and of a person."""
Label = Annotated[str, Meta(min_length=1, max_length=40)]
Labels = Annotated[list[Label], Meta(max_length=8)]
ShortText = Annotated[str, Meta(max_length=200)]
"""A title, the name of a product, a reason. What is visible of it is checked where it is stored."""
LongText = Annotated[str, Meta(max_length=4000)]
"""Bounded more tightly, with an error code of its own, where it is stored."""
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]{1,1000}$(?!\n)", max_length=1010)]
Day = Annotated[int, Meta(ge=1, le=366)]
Choice = Annotated[str, Meta(min_length=1, max_length=200)]
Ballot = Annotated[list[Choice], Meta(min_length=1, max_length=20)]
Nonce = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)", max_length=64)]

Role = Literal["host", "moderator", "member"]
SourceKind = Literal["camera", "screen", "microphone"]
JoinPath = Literal["ticket", "ordinary", "switch"]
ConnectionKind = Literal["receive", "publish"]
QuestionState = Literal["received", "queued", "answering", "answered", "declined", "withdrawn", "merged"]
Order = Literal["popular", "newest", "rising", "fair"]
Links = Literal["all", "staff"]
PollKind = Literal["single", "multiple", "rating", "ranking", "words", "open", "quiz"]
PollState = Literal["draft", "open", "closed"]
Results = Literal["live", "voted", "closed", "staff"]
HandState = Literal["raised", "invited", "stage"]
Reaction = Literal["heart", "clap", "laugh", "wow", "like", "fire"]
AnnouncementState = Literal["scheduled", "shown", "withdrawn"]
DrawState = Literal["open", "closed", "drawn", "cancelled"]
Deletable = Literal["question", "reply", "chat", "announcement", "poll", "product", "trial"]
