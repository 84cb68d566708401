"""SDP as lines (RFC 8866): sections and their attributes, nothing interpreted.

aiortc's parser drops `rid`, `simulcast` and extmap directions, and the port of sdp-transform turns a mid "01" into 1 and
takes 7 ms for the offer of a member's eight sections. Reading `a=key:value` lines is all that is needed here.
"""

from dataclasses import dataclass, field

from media.errors import BadOffer

MAX_SDP_CHARACTERS = 128 * 1024
"""Chromium's offer for eight sections has 40,000; what is longer is not an offer."""

MAX_SECTIONS = 64


@dataclass(slots=True)
class Section:
    """The attributes of a media section, or of the session. Values are "" for flags such as `a=rtcp-mux`."""

    kind: str = ""
    port: str = ""
    protocol: str = ""
    formats: tuple[str, ...] = ()
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def first(self, key: str) -> str | None:
        """The first value of an attribute, None where it is absent."""
        values = self.attributes.get(key)
        return values[0] if values else None

    def every(self, key: str) -> list[str]:
        """All values of an attribute, in order."""
        return self.attributes.get(key, [])


@dataclass(slots=True)
class Description:
    """A session description: `session` holds what stands before the first m-line."""

    session: Section
    media: list[Section]


def parse(text: str) -> Description:
    """Split a description into its sections.

    Raises:
        BadOffer: too long, not SDP, or with too many sections.
    """
    if len(text) > MAX_SDP_CHARACTERS:
        raise BadOffer(f"the SDP has {len(text)} characters; at most {MAX_SDP_CHARACTERS} are read")
    lines = text.splitlines()
    if not lines or lines[0].strip() != "v=0":
        raise BadOffer("this is not SDP: it does not begin with v=0")
    description = Description(Section(), [])
    section = description.session
    for line in lines[1:]:
        if line.startswith("a="):
            key, _, value = line[2:].partition(":")
            section.attributes.setdefault(key, []).append(value.strip())
        elif line.startswith("m="):
            section = _media_section(line)
            description.media.append(section)
            if len(description.media) > MAX_SECTIONS:
                raise BadOffer(f"the SDP has more than {MAX_SECTIONS} media sections")
    return description


def _media_section(line: str) -> Section:
    fields = line[2:].split()
    if len(fields) < 4:
        raise BadOffer(f"an m-line is incomplete: {line[:80]!r}")
    kind, port, protocol, *formats = fields
    return Section(kind=kind, port=port, protocol=protocol, formats=tuple(formats))
