"""What is sent again of a handshake, and when."""

from media.flights import Flights, datagrams


def record(content: int, body: bytes, *, epoch: int = 0) -> bytes:
    return bytes([content, 0xFE, 0xFD]) + epoch.to_bytes(2) + bytes(6) + len(body).to_bytes(2) + body


def message(sequence: int, *, octets: int = 20) -> bytes:
    return record(22, bytes([1, 0, 0, 8]) + sequence.to_bytes(2) + bytes(octets))


def test_a_flight_is_cut_at_its_records() -> None:
    records = [message(sequence, octets=500) for sequence in range(4)]
    assert datagrams(b"".join(records)) == [records[0] + records[1], records[2] + records[3]]
    assert datagrams(b"") == []
    assert datagrams(records[0][:50]) == [records[0][:50]], "what is no whole record is not lost"


def test_the_timer_doubles_and_ends() -> None:
    flights = Flights()
    flights.sent([message(0)], 10.0)
    times = []
    while (due := flights.deadline) is not None:
        assert flights.expire(due - 0.001) == []
        assert flights.expire(due) == [message(0)]
        times.append(round(due - 10.0, 3))
    assert times[:6] == [0.05, 0.15, 0.35, 0.75, 1.55, 2.35]
    assert len(times) == 12


def test_a_repeated_flight_of_the_peer_is_answered_at_once_and_once() -> None:
    flights = Flights()
    flights.sent([message(0)], 0.0)
    assert flights.received(message(0) + message(1), 0.1) == []
    flights.sent([message(1) + record(22, bytes(40), epoch=1)], 0.1)
    assert flights.received(message(0), 0.11) == [], "it crossed our flight"
    assert flights.received(message(0), 0.2) == flights.current
    assert flights.received(message(1), 0.201) == [], "the other half of the same flight"
    assert flights.received(record(22, bytes(40), epoch=1), 0.3) == [], "encrypted: new"
    flights.finish()
    assert flights.deadline is None
    assert flights.received(message(0), 0.4) == flights.current, "the peer's last datagram may be what was lost"


def test_openssls_own_repetition_does_not_begin_anew() -> None:
    flights = Flights()
    flights.sent([message(0)], 0.0)
    flights.expire(0.05)
    flights.sent([message(0)], 1.0)
    assert (flights.repeats, flights.sent_at) == (1, 0.0)


def test_an_answer_that_came_a_repetition_late() -> None:
    for delay, late in [(0.1, False), (0.12, False), (0.151, True)]:
        flights = Flights()
        flights.sent([message(0)], 0.0)
        flights.received(message(0), 0.1)
        flights.sent([message(1)], 0.1)
        flights.expire(flights.deadline or 0.0)
        assert flights.was_late(0.1 + delay) is late, delay


def test_garbage_is_no_repetition() -> None:
    flights = Flights()
    flights.sent([message(0)], 0.0)
    flights.received(message(0), 0.1)
    flights.sent([message(1)], 0.1)
    for garbage in (b"", b"\x16", record(22, b"\0\0\0"), record(23, bytes(90)), b"\x16\xfe\xfd" + bytes(60)):
        assert flights.received(garbage, 0.9) == []
