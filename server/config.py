"""Settings: one frozen object, from flags, `LIVETRIAL_*` variables and defaults, in this order."""

import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Annotated, Literal

import ifaddr
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from media.announced import Announced

DAY_S = 24 * 3600

# RFC 7065 and RFC 7064. Nothing in them needs quoting in a `Link` header.
_TURN_URL = re.compile(r"turns?:[A-Za-z0-9.:\[\]_-]+(\?transport=(udp|tcp))?")
_STUN_URL = re.compile(r"stuns?:[A-Za-z0-9.:\[\]_-]+")

LogLevel = Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    """Everything that can be set. Each field is the variable `LIVETRIAL_<FIELD>` too; units are in the names."""

    model_config = SettingsConfigDict(env_prefix="LIVETRIAL_", frozen=True, extra="ignore")

    http_host: str = Field(default="0.0.0.0", description="Address of the HTTP and WebSocket port.")
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="HTTP and WebSocket port; 0 lets the kernel choose."
    )
    public_url: str | None = Field(
        default=None, description="Where people reach the HTTP port, for links; by default what the request says."
    )
    media_host: str = Field(default="0.0.0.0", description="Address of the media port.")
    media_port: int = Field(
        default=8081, ge=0, le=65535, description="Port of all media, UDP and TCP; 0 lets the kernel choose."
    )
    media_tcp: bool = Field(
        default=True, description="Take media by TCP too, on the same port number, for networks without UDP."
    )
    media_udp: bool = Field(
        default=True, description="Tell clients to send media by UDP; false where a firewall lets none in."
    )
    redundant_audio: bool = Field(
        default=True,
        description="Take redundant audio (RED) of those who go live with it; about twice the audio bitrate.",
    )
    adaptation: bool = Field(
        default=True,
        description="Show each viewer the pictures that its link bears, down to sound alone; otherwise the best for all.",
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Threads that forward media; more than one where one core is not enough."
    )
    announced: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        default=None,
        description="IP addresses told to clients, comma-separated, each with `:port` where the media port is reached by "
        "another; by default loopback and the machine's own.",
    )
    turn_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="TURN servers for clients that reach the media port by no other way, comma-separated."
    )
    turn_secret: SecretStr | None = Field(
        default=None, description="What the TURN servers know as their static secret (coturn: use-auth-secret)."
    )
    turn_ttl_s: int = Field(
        default=DAY_S // 2, ge=60, description="Lifetime of TURN credentials; longer than the longest session."
    )
    stun_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="STUN servers told to clients, comma-separated; the media port itself needs none."
    )
    data_dir: Path = Field(
        default=Path("data"), description="Where the session log, the keys and the demo's picture live."
    )
    web_dir: Path = Field(
        default=Path(__file__).resolve().parent.parent / "web_client" / "dist", description="The built pages."
    )
    redis_url: str | None = Field(
        default=None,
        description="A Redis or Valkey server or cluster; by default an embedded server in the data directory.",
    )
    api_key: SecretStr | None = Field(
        default=None, description="Key of the API; by default made once and kept in the data directory."
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Signs tokens, 32 characters or more; by default made once and kept in the data directory.",
    )
    demo: bool = Field(default=True, description="Run the open session `demo` with a synthetic host.")
    log_level: LogLevel = "info"
    max_members: int = Field(default=10_000, ge=1, description="WebSockets that this node takes; more are told `busy`.")
    join_timeout_s: float = Field(default=10.0, gt=0, description="Time that a WebSocket has for its first message.")
    media_hold_s: float = Field(
        default=10.0, gt=0, description="How long media connections are kept for a person whose WebSocket was lost."
    )
    stage_hold_s: float = Field(
        default=20.0, gt=0, description="How long a place on stage is kept for a person whose WebSocket was lost."
    )
    token_lifetime_s: int = Field(
        default=30 * DAY_S, ge=60, description="Lifetime of tokens where nothing else is asked for."
    )

    @field_validator("announced", "turn_urls", "stun_urls", mode="before")
    @classmethod
    def _split_addresses(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("announced")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else tuple(str(Announced.parse(address)) for address in value)

    @field_validator("turn_urls", "stun_urls")
    @classmethod
    def _check_ice_urls(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        form = _TURN_URL if info.field_name == "turn_urls" else _STUN_URL
        for url in value:
            if not form.fullmatch(url):
                raise ValueError(
                    f"{url!r} is not of the form {'turn:host:3478?transport=udp' if form is _TURN_URL else 'stun:host:3478'}"
                )
        return value

    @field_validator("turn_secret")
    @classmethod
    def _check_turn_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and not value.get_secret_value():
            return None
        return value

    @model_validator(mode="after")
    def _check_turn(self) -> "Settings":
        if self.turn_urls and self.turn_secret is None:
            raise ValueError("LIVETRIAL_TURN_URLS needs LIVETRIAL_TURN_SECRET, the static secret of these servers")
        return self

    @field_validator("media_udp")
    @classmethod
    def _check_media_protocols(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("media_tcp") is False:
            raise ValueError("no media could come with neither UDP nor TCP")
        return value

    @field_validator("media_host")
    @classmethod
    def _check_media_host(cls, value: str) -> str:
        return str(ipaddress.ip_address(value))

    @field_validator("public_url")
    @classmethod
    def _strip_slash(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return None if value is None else value.rstrip("/")

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, value: SecretStr | None) -> SecretStr | None:
        # RFC 7518 section 3.2: an HS256 key has at least 256 bits.
        if value is not None and len(value.get_secret_value().encode()) < 32:
            raise ValueError("must have at least 32 bytes")
        return value

    def media_protocols(self) -> str:
        """How clients are told to send media, in words."""
        return " and ".join(name for name, told in (("UDP", self.media_udp), ("TCP", self.media_tcp)) if told)

    def announced_addresses(self) -> tuple[str, ...]:
        """What clients are told (`media.announced`): what is set, else where the media port is reached on this machine."""
        if self.announced is not None:
            return self.announced
        bound = ipaddress.ip_address(self.media_host)
        if not bound.is_unspecified:
            return (str(bound),)
        return tuple(text for text in own_addresses() if bound.version == 6 or ipaddress.ip_address(text).version == 4)

    def api_key_value(self) -> str:
        """The API key: the one set, else the one kept in the data directory, made at first use."""
        return self.api_key.get_secret_value() if self.api_key else kept_secret(self.data_dir / "api_key", nbytes=24)

    def secret_value(self) -> str:
        """The signing secret, likewise."""
        return self.secret.get_secret_value() if self.secret else kept_secret(self.data_dir / "secret", nbytes=48)


def own_addresses() -> tuple[str, ...]:
    """IPv4 loopback first, then what the interfaces have; without link-local ones, and without asking the network."""
    found = ["127.0.0.1"]
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            address = ipaddress.ip_address(text)
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.append(str(address))
    return tuple(dict.fromkeys(found))


def kept_secret(path: Path, *, nbytes: int) -> str:
    """Read a secret, or make one of `nbytes` random octets at first use; only its owner may read the file.

    Raises:
        OSError: the file can neither be read nor made.
        ValueError: the file is empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        value = path.read_text().strip()
        if not value:
            raise ValueError(f"{path} is empty; remove it and a new one is made") from None
        return value
    value = secrets.token_urlsafe(nbytes)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
    return value
