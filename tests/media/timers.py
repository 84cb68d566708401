"""Timers on a clock that is moved by hand."""

from collections.abc import Callable


class Timers:
    """`later` is what `loop.call_later` is."""

    class Timer:
        def __init__(self, due: float, callback: Callable[[], None]) -> None:
            self.due = due
            self.callback: Callable[[], None] | None = callback

        def cancel(self) -> None:
            self.callback = None

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timers.Timer] = []

    def later(self, delay_s: float, callback: Callable[[], None]) -> "Timers.Timer":
        self.timers.append(self.Timer(self.now + delay_s, callback))
        return self.timers[-1]

    def move(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.due <= self.now]
        self.timers = [timer for timer in self.timers if timer.due > self.now]
        for timer in due:
            if timer.callback is not None:
                timer.callback()
