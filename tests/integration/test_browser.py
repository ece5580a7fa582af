"""The pages in Chromium, as people see and use them."""

import io
import os
import re
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import uvicorn
from PIL import Image
from playwright import sync_api

from mediafm_store.evaluation.comparison import compare
from mediafm_store.evaluation.history import dashboard
from mediafm_store.report.evaluation_page import write_board_page
from mediafm_store.report.pages import write_atlas_page, write_search_page, write_title_page
from mediafm_store.serve import library
from mediafm_store.serve.app import make_app
from mediafm_store.serve.library import SharedStore
from mediafm_store.serve.run import _bound as bound
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search
from tests.helpers.measured import measure
from tests.helpers.odd_films import make_film
from tests.helpers.planted import ENCODERS, add_film, grey

EVIL_NAME = "<script>alert(1)</script>"
EVIL_WORDS = "</script><img src=x onerror=alert(1)>"
GREYS = [30, 200, 90, 150, 60, 240, 120, 180]
"""Brightness of the shots of the film, 0 to 255."""
SHOTS = 12
"""Of the hostile title."""
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="session")
def browser():
    """Chromium; a run that must prove something may not go without."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium")
        pytest.skip("no chromium on the path")
    with sync_api.sync_playwright() as started:
        made = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield made
        made.close()


@contextmanager
def opened(browser, **options):
    """A page on which no script fails, nothing is refused and nothing hostile runs."""
    wrong: list[str] = []
    with browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        yield page
        assert page.locator("img[onerror]").count() == 0
    assert wrong == []


@pytest.fixture
def page(browser):
    with opened(browser) as made:
        yield made


def jpeg(brightness: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (160, 90), (brightness,) * 3).save(out, "JPEG")
    return out.getvalue()


class VisualFeatures(Storage):
    """A store whose titles come with pictures and subtitles."""

    def add_title(self, rows):
        greys = [GREYS[i % len(GREYS)] for i in range(len(rows.shots))]
        pictures = [
            {"id": shot["id"], "jpeg": jpeg(g)} for shot, g in zip(rows.shots, greys, strict=True)
        ]
        cues = [
            {"start_s": s["start_s"], "end_s": s["end_s"], "text": s["words"]}
            for s in rows.shots
            if s["words"]
        ]
        super().add_title(replace(rows, thumbnails=pictures, cues=cues))


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """Grey shots of a second each."""
    path = tmp_path_factory.mktemp("browser") / "a film #1.mp4"
    frames = [np.full((96, 160, 3), g, np.uint8) for g in GREYS for _ in range(24)]
    make_film(path, images=frames)
    return path


@pytest.fixture(scope="session")
def shown(tmp_path_factory, film):
    """A store of that film, and of a title that would like to run."""
    store = VisualFeatures(tmp_path_factory.mktemp("browser") / "store", create=True)
    views = [grey(g) for g in GREYS]
    times = [{"start_s": float(i), "end_s": i + 1.0} for i in range(len(GREYS))]
    add_film(
        store, "film", views, text=[f"line {v}" for v in views], shots=times, media=str(film),
        name="A film", genres=["Drama"], duration_s=float(len(GREYS)),
    )  # fmt: skip
    add_film(
        store, "evil", [f"view {i // 4}" for i in range(SHOTS)], text=[EVIL_WORDS] * SHOTS,
        shots=[{"seen": [EVIL_NAME], "heard": [EVIL_WORDS]}] * SHOTS,
        name=EVIL_NAME, genres=[EVIL_WORDS], tags=[EVIL_NAME], synopsis=EVIL_WORDS,
        warnings=[EVIL_WORDS], series=EVIL_NAME,
    )  # fmt: skip
    measure(store, [EVIL_NAME, EVIL_WORDS, *(f"tag {i}" for i in range(30))])
    return store


@pytest.fixture(scope="session")
def served(shown, browser):
    """The address of the server, in a thread; the browser is there first, or all is skipped."""
    patch = pytest.MonkeyPatch()
    patch.setattr(library, "load_encoders", lambda *names, device, store: ENCODERS)
    with patch.context(), bound(0) as listening:
        app = make_app(SharedStore(shown, device="cpu"))
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
    patch.undo()


@pytest.fixture(scope="session")
def written(shown, browser, tmp_path_factory):
    """Addresses of pages as files."""
    folder = tmp_path_factory.mktemp("pages")
    write_title_page(folder / "title.html", store=shown, title="evil")
    write_atlas_page(folder / "atlas.html", store=shown)
    board = dashboard(shown)
    compared = compare(board.series, "genre_v2", "genre_v3")
    write_board_page(folder / "board.html", store=shown, board=board, comparison=compared)
    hits = search(shown, shot="evil/00005", least=0, fold=False, k=8)
    write_search_page(
        folder / "search.html", store=shown, query="evil/00005", hits=hits,
        query_shot="evil/00005",
    )  # fmt: skip
    return {path.stem: path.as_uri() for path in folder.glob("*.html")}


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def until(page, expression, seconds=10.0):
    """Wait for what is true in the page; Playwright's own waiting would need eval."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(20)


# Every page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_run_without_errors_and_fit(browser, served, written, scheme, width):
    addresses = [
        *written.values(),
        *(f"{served}{path}" for path in ("", "/titles/evil", "/titles/film", "/atlas", "/report")),
        *(f"{served}/search?{asked}" for asked in ("shot=evil/00005", "said=img&unit=scene")),
    ]
    size = {"width": width, "height": 740}
    with opened(browser, viewport=size, color_scheme=scheme) as page:
        for address in addresses:
            page.goto(address)
            page.evaluate(DRAWN)
            assert page.evaluate("document.documentElement.scrollWidth") == width, address
            if address.startswith("http"):
                page.locator(".options summary").click()
                assert page.get_by_label("Filter").is_visible()
                assert page.evaluate("document.documentElement.scrollWidth") == width, address


def test_what_files_say_is_text(page, served, written):
    for address in (written["title"], f"{served}/titles/evil"):
        page.goto(address)
        assert page.locator("h1").inner_text() == EVIL_NAME
        assert EVIL_WORDS in page.locator(".cue").first.inner_text()
        assert page.locator(".warnings").inner_text() == EVIL_WORDS
    for address in (written["search"], f"{served}/search?shot=evil/00005"):
        page.goto(address)
        assert EVIL_NAME in page.locator(".card .name").first.inner_text()
        assert EVIL_WORDS in page.locator(".card .words").first.inner_text()
    for address in (written["atlas"], f"{served}/atlas"):
        page.goto(address)
        assert EVIL_WORDS in page.locator("#legend").inner_text()
        page.locator("input[value=title]").check()
        assert EVIL_NAME in page.locator("#legend").inner_text()
    page.goto(served)
    assert EVIL_NAME in page.locator("#titles").inner_text()


# Written pages


def test_the_search_page_by_keyboard(page, written):
    page.goto(written["search"])
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("The query")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("1: ")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("2: ")
    page.keyboard.press("ArrowLeft")
    assert focused(page).startswith("1: ")
    page.keyboard.press("End")
    assert focused(page).startswith("8: ")
    page.keyboard.press("Home")
    around = page.locator("[data-card]:focus details").first
    assert around.get_attribute("open") is None
    page.keyboard.press("Enter")
    assert around.get_attribute("open") is not None
    assert around.locator(".picture").count() == 6
    assert around.locator(".picture").first.bounding_box()["width"] > 40
    page.keyboard.press("Enter")
    assert around.get_attribute("open") is None
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_the_similarities_of_a_title(page, written, shown):
    page.goto(written["title"])
    assert page.locator(".shots li").count() == SHOTS
    figure = page.locator("#matrix")
    figure.locator("canvas").wait_for()
    box = figure.bounding_box()
    figure.hover(position={"x": box["width"] * 0.5 / SHOTS, "y": box["height"] * 4.5 / SHOTS})
    codes = page.locator("#pair code.id")
    assert codes.all_inner_texts() == ["00004", "00000"]
    assert page.locator("#pair .picture").count() == 2
    vectors = shown.vectors(shown.live("fused"), "evil").vectors
    said = page.locator(".cosine").inner_text().removeprefix("cosine ")
    least, most = (float(figure.get_attribute(f"data-{end}")) for end in ("least", "most"))
    expected = min(most, max(least, vectors[0] @ vectors[4]))
    assert float(said.replace("\N{MINUS SIGN}", "-")) == pytest.approx(expected, abs=0.02)
    figure.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert codes.all_inner_texts() == ["00005", "00001"]
    page.keyboard.press("Enter")
    assert page.url.endswith("#s1")
    assert focused(page).startswith("Shot 1,")
    figure.click(position={"x": box["width"] * 7.5 / SHOTS, "y": 5})
    assert page.url.endswith("#s7")


def drawn(page):
    """How many pixels of the atlas are not empty."""
    page.evaluate(DRAWN)
    return page.evaluate("""() => {
        const {width, height} = map.canvas;
        const often = {willReadFrequently: true};
        const copy = new OffscreenCanvas(width, height).getContext("2d", often);
        copy.drawImage(map.canvas, 0, 0);
        const pixels = copy.getImageData(0, 0, width, height).data;
        return pixels.filter((value, i) => i % 4 == 3 && value).length;
    }""")


def test_the_atlas_draws_filters_and_moves(page, written):
    page.goto(written["atlas"])
    everything = drawn(page)
    assert everything > 500
    entries = page.locator("#legend button")
    assert entries.count() == 2
    entries.first.click()
    assert entries.first.get_attribute("aria-pressed") == "false"
    assert 0 < drawn(page) < 0.8 * everything
    entries.first.click()
    page.locator("#map").focus()
    page.keyboard.press(".")
    name = page.locator("#tip b").inner_text()
    page.keyboard.press(".")
    assert page.locator("#tip b").inner_text() == name
    assert page.locator("#tip .picture").bounding_box()["width"] > 100
    for way in (
        lambda: page.keyboard.press("+"),
        lambda: page.keyboard.press("ArrowLeft"),
        lambda: (page.mouse.move(300, 400), page.mouse.wheel(0, -300)),
        lambda: (page.mouse.down(), page.mouse.move(350, 450), page.mouse.up()),
        lambda: page.keyboard.press("0"),
    ):
        before = page.evaluate("[map.across(0), map.down(0)]")
        way()
        until(page, f"[map.across(0), map.down(0)].join() != '{','.join(map(str, before))}'")


# Served pages


def test_searching_by_words_and_by_shot(page, served):
    page.goto(served)
    box = page.get_by_role("searchbox")
    box.fill(grey(GREYS[1]))
    box.press("Enter")
    page.wait_for_url("**/search?*text=*")
    assert "film/00001" in page.locator("li.card").first.inner_text()
    page.get_by_role("searchbox").fill("film/00003")
    page.get_by_label("What to find").select_option("title")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/search?*shot=*")
    assert page.locator("h1").inner_text() == "Titles like film/00003"
    assert page.get_by_label("What to find").input_value() == "title"
    page.get_by_role("searchbox").fill("")
    page.get_by_label("What to find").select_option("shot")
    page.get_by_label("Words that are said literally").fill("line")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/search?*said=line*")
    assert page.locator("li.card").count() > 1


def test_searching_by_a_clip(page, served, film):
    page.goto(served)
    page.locator("input[type=file]").set_input_files(film)
    page.get_by_role("button", name="Search by file").click()
    page.locator("h1", has_text=film.name).wait_for()
    assert "The clip is A film, 0:00:00.0" in page.locator("header").inner_text()
    page.locator("header a.film").click()
    until(page, "document.querySelector('video').readyState > 1")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Its own scene too").click()
    page.wait_for_url("**/search?title=film&from=0&to=8&same_scene=1")


def test_options_by_keyboard(page, served):
    page.goto(served)
    page.get_by_role("searchbox").fill("film/00003")
    page.get_by_role("button", name="Search", exact=True).focus()

    def through(*keys):
        for key in keys:
            page.keyboard.press("Tab")
            page.keyboard.press(key)

    through("Enter")  # opens them
    assert page.get_by_label("from other titles only").is_visible()
    through("Space", "Space", "ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.type("duration_s > 0")
    through("ArrowDown", "ArrowDown", "ArrowUp", "Tab")
    page.keyboard.type("A film")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?*shot=*")
    asked = dict(parse_qsl(urlsplit(page.url).query))
    assert asked == {
        **{"shot": "film/00003", "title": "A film", "where": "duration_s > 0", "k": "13"},
        **{"exclude_same_title": "1", "same_scene": "1"},
        **{"picture": "0.9", "sound": "0.9", "words": "1.1"},
    }
    page.locator(".options summary").click()
    assert page.get_by_label("from other titles only").is_checked()
    assert page.get_by_label("sound", exact=True).input_value() == "0.9"
    for control in page.locator("#find").get_by_role("spinbutton").all():
        assert control.evaluate("made => made.labels.length") == 1


def test_neighbours_open_and_load(page, served):
    page.goto(f"{served}/search?shot=evil/00005")
    around = page.locator(".asked details")
    with page.expect_response(re.compile("/thumbnails/evil/00004")) as loaded:
        around.locator("summary").click()
    assert loaded.value.status == 200
    assert around.locator(".picture").count() == 6


def test_a_film_plays_at_its_time(page, served):
    page.goto(f"{served}/search?shot=film/00003")
    page.locator(".asked a.film.time").click()
    until(page, "document.querySelector('video').readyState > 1")
    assert 2.9 <= page.evaluate("document.querySelector('video').currentTime") <= 8
    page.keyboard.press("Escape")
    assert not page.locator("#player").is_visible()


def test_from_titles_to_the_atlas_and_back(page, served):
    page.goto(served)
    page.get_by_role("link", name=EVIL_NAME).click()
    page.locator("#matrix canvas").wait_for()
    page.get_by_role("link", name="Atlas").click()
    page.locator("#map").focus()
    page.keyboard.press(".")
    page.keyboard.press("Enter")
    page.wait_for_url("**/titles/*#s*")
    assert page.locator("li:target").is_visible()


# What was measured


def test_charts_by_keyboard(page, written):
    page.goto(written["board"])
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("Average precision")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.querySelector('details').open")
    assert "genre v1" in page.locator(":focus").inner_text()
    page.keyboard.press("End")
    assert focused(page) == "Vectors that indexes hold"


def test_versions_are_compared_where_they_are_chosen(page, served):
    page.goto(f"{served}/report")
    page.get_by_label("From version").select_option("genre v2")
    page.get_by_label("To version").select_option("genre v3")
    page.get_by_role("button", name="Compare").click()
    assert page.locator("#compared .said").inner_text().startswith("From genre v2 to genre v3")
    assert page.get_by_label("To version").input_value() == "genre v3"
