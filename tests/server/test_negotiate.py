"""Which form of an answer a client prefers, and the one address that has two."""

from pathlib import Path

import pytest

from server.negotiate import prefers_html
from tests.server.harness import Start


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html, application/json;q=0.5", True),
        ("TEXT/HTML", True),
        ("text/*;q=0.4, */*;q=0.3", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=much, */*", False),
        ("text/html;level=1;q=0.2, application/json;q=0.1", True),
        (";;,,q=", False),
    ],
)
def test_html_goes_to_who_asks_for_it_first(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html


async def test_the_address_of_a_draw_has_a_page_for_people(start: Start, tmp_path: Path) -> None:
    (tmp_path / "draw.html").write_text("<!doctype html><title>draw</title>")
    server = await start(web_dir=tmp_path)
    session = await server.session()
    host, _ = await server.join(session, "host")
    draw = (await host.command("draw_open", cmd="d", title="Cream"))["id"]
    for accept, kind in (("text/html,*/*;q=0.8", "text/html; charset=utf-8"), ("*/*", "application/json")):
        answer = await server.http.get(f"/draws/{session}/{draw}", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
        assert answer.headers["Vary"] == "Accept"
        assert answer.headers["Cache-Control"] == "no-cache"
    page = await server.http.get(f"/draws/{session}/{draw}", headers={"Accept": "text/html"})
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    open_draw = (await server.http.get(f"/draws/{session}/{draw}")).json()
    assert open_draw["title"] == "Cream"
    assert open_draw["secret"] is None
