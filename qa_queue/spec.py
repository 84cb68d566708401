"""What a command takes, so that all are carried out alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from qa_queue.moderation.screen import screened
from qa_queue.text import clean_text
from store.scripts import Script, load_script

Right = Literal["read", "speak", "staff", "host", "system"]


@dataclass(frozen=True)
class Spec:
    """A command.

    Args:
        package: where its script lies.
        script: its name, without `.lua`.
        right: `read` is everybody's, `speak` everybody's but the muted, then roles. Checked by the script.
        uses: scripts of the same package that go before it.
        texts: fields that are cleaned, and how long they may be; a list's items each.
        screened: the field that blocked words are looked for in; by the script, which knows the list.
        fixed: arguments that the command always has.
        prepare: makes further arguments of the cleaned ones.
    """

    package: str
    script: str
    right: Right
    uses: tuple[str, ...] = ()
    texts: Mapping[str, int] = field(default_factory=dict)
    screened: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    @cached_property
    def lua(self) -> Script:
        """The script, with all that it is made of."""
        parts = [("qa_queue", "prelude"), *((self.package, name) for name in (*self.uses, self.script))]
        return Script("\n".join(load_script(package, name).source for package, name in parts))

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the script gets; None is left out.

        Raises:
            TextEmpty, TextTooLong
        """
        args = {name: value for name, value in given.items() if value is not None} | dict(self.fixed)
        for name, limit in self.texts.items():
            if name in args:
                text = args[name]
                args[name] = clean_text(text, limit) if isinstance(text, str) else [clean_text(t, limit) for t in text]
        if self.screened is not None and self.screened in args:
            text = args[self.screened]
            form = screened(text if isinstance(text, str) else "\n".join(text))
            args["screen"] = {"words": form.words, "squeezed": form.squeezed, "hosts": form.hosts}
        return args | (self.prepare(args) if self.prepare else {})
