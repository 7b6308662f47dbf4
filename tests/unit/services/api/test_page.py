"""The page in a browser, over an API that can go stale, lose its mirror, and be cut off."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from page_server import PageServer, page_server
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
SLOW_MS = 15_000  # for a machine that does much else; what must be quick is timed by itself
BANNER_S = 2.0
PARTS = (
    "Pipeline",
    "Time",
    "Flow",
    "Accuracy over labelled cases",
    "Stack of learners",
    "Drift",
    "Cases",
    "Upload a case",
    "Runs",
    "Forecast",
)
# axe waits for nothing, so what is drawn later has to be there.
DRAWN = (".node", "#flow-charts .chart", "#weights .chart", "#drift-charts .chart", ".card img")

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with page_server() as serving:
        yield serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture
def faults() -> list[str]:
    """What pages put on their consoles; a test takes out what it expects."""
    return []


@pytest.fixture
def open_page(server: PageServer, browser: Browser, faults: list[str]) -> Iterator[Open]:
    """Open the page; an error on its console fails the test."""
    contexts = []
    server.fake.state, server.fake.labels = "live", True

    def opened(width: int = 1280, height: int = 900, **options: Any) -> Page:
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(SLOW_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.goto(server.url)
        for drawn in DRAWN:
            page.wait_for_selector(drawn, state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    # A browser tells each refused connection: that is what was tested.
    assert [one for one in faults if "Failed to load resource: net::" not in one] == []


def axe(page: Page) -> list[str]:
    """Return what axe finds wrong, in words."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def no_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_every_part_is_there_and_accessible(open_page: Open):
    page = open_page()
    expect(page).to_have_title("dermtwin")
    expect(page.get_by_role("heading", level=1)).to_contain_text("fake-clinic")
    for title in PARTS:
        expect(page.get_by_role("heading", level=2, name=title, exact=True)).to_be_visible()
    expect(page.locator("#state")).to_have_text("● live")
    expect(page.locator("#freshness")).to_have_text("state of 0.3 s ago")
    expect(page.locator("#connection")).to_contain_text("connected")
    expect(page.locator("#degraded")).to_contain_text("knn: p95 latency is 3 times what it was")
    # Health is told in words, not by colour alone.
    knn = page.get_by_role("button", name="knn: degraded")
    expect(knn).to_contain_text("▲ degraded")
    expect(page.locator(".node")).to_have_count(15)
    expect(page.locator("#pipeline .flow").first).to_have_text("2.7/s")
    expect(page.locator("#confusion")).to_contain_text("sensitivity")
    expect(page.locator("#drift-charts .mark").first).to_be_attached()
    expect(page.locator("#weights")).to_contain_text("in force")
    assert axe(page) == []


def test_clicks_lead_to_details(open_page: Open, server: PageServer):
    page = open_page()
    drawer = page.locator("#drawer")
    page.locator("g[data-name=knn]").click()
    expect(drawer.get_by_role("heading", level=2)).to_have_text("knn")
    expect(drawer).to_contain_text("its process ended")
    expect(drawer).to_contain_text("15 ms / 42 ms / 75 ms")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.get_by_label("Search by id").fill("c00012")
    expect(page.locator(".card")).to_have_count(1)
    page.locator(".card").click()
    expect(drawer).to_contain_text("Arrived")
    expect(drawer.get_by_role("rowheader", name="catboost")).to_be_visible()
    assert drawer.locator("img").first.evaluate("one => one.decode().then(() => true)")
    drawer.get_by_role("button", name="occlusion").click()
    expect(drawer.locator("#explaining")).to_contain_text("Being made")
    expect(drawer.locator("#map")).to_be_visible()
    expect(drawer).to_contain_text("0.93")
    assert axe(page) == []
    drawer.get_by_label("Label", exact=True).select_option("benign")
    drawer.get_by_role("button", name="Send label").click()
    expect(drawer).to_contain_text("Sent: benign")
    # Case 12 has a label of revision 0: a second one replaces it instead of contradicting it.
    wanted = {"label": "benign", "way": "biopsied", "revision": 1}
    assert server.fake.feedback[-1] == ("c00012", wanted)


def test_several_actors_are_one_part(open_page: Open, server: PageServer):
    page = open_page()

    def two_stems(route: Route) -> None:
        told = route.fetch().json()
        [stem] = [one for one in told["components"] if one["name"] == "stem"]
        told["components"].remove(stem)
        for name, health in (("stem-1", "well"), ("stem-2", "down")):
            told["components"].append({**stem, "name": name, "health": health, "images_per_s": 4.0})
        route.fulfill(json=told)

    page.route(f"{server.url}/v1/components", two_stems)
    page.reload()
    stem = page.locator(".node[data-key=stem]")
    expect(stem).to_contain_text("down ×2")  # the worst of them speaks
    expect(stem).to_contain_text("8")  # images a second, of both
    expect(page.locator("#diagram-more")).not_to_contain_text("Besides: stem")
    stem.click()
    expect(page.locator("#drawer")).to_contain_text("stem 2")


def test_the_past_is_told_apart(open_page: Open):
    page = open_page(color_scheme="dark")
    slider = page.get_by_role("slider")
    slider.fill("400")
    banner = page.locator("#banner-past")
    expect(banner).to_contain_text("You are looking at the past.")
    expect(banner).to_contain_text("Revision 400")
    expect(page.locator("#summary")).to_contain_text("50")
    expect(page.locator("#case-count")).to_contain_text("of 50 cases")
    expect(page.locator("#flow-charts")).to_contain_text("Known of the present only")
    slider.press("ArrowLeft")
    expect(banner).to_contain_text("Revision 399")
    assert axe(page) == []  # in the dark, too
    page.get_by_text("Difference between two moments").click()
    page.get_by_label("From revision").fill("80")
    page.get_by_label("to", exact=True).fill("800")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#difference")).to_contain_text("state of knn")
    page.get_by_role("button", name="Back to live").click()
    expect(banner).to_have_count(0)
    expect(page.locator("#flow-charts .chart").first).to_be_visible()


def test_runs_forecast_and_upload(open_page: Open, faults: list[str]):
    page = open_page()
    runs = page.locator("#runs")
    runs.get_by_label("Scenario", exact=True).select_option("first-clinic")
    runs.get_by_role("button", name="Start run").click()
    expect(runs.get_by_role("row", name="first-clinic")).to_contain_text("3 of 10 replications")
    runs.get_by_role("button", name="Cancel run").first.click()
    expect(runs.get_by_role("row", name="first-clinic")).to_contain_text("cancelled")
    runs.get_by_label("as YAML").fill("name: x\nseed: y")
    runs.get_by_role("button", name="Start run").click()
    expect(page.locator("#run-said")).to_contain_text("line 2, seed is no number")
    (refusal,) = faults
    assert "status of 422" in refusal
    faults.clear()
    forecast = page.locator("#forecast")
    forecast.get_by_label("Scenario").select_option("first-clinic")
    forecast.get_by_role("button", name="Forecast from now").click()
    expect(forecast.locator(".chart .band")).to_have_count(2)
    upload = page.locator("#upload")
    picture = {"name": "lesion.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n"}
    upload.get_by_label("Picture").set_input_files(picture)
    upload.get_by_label("Age").fill("54")
    upload.get_by_role("button", name="Have it scored").click()
    expect(page.locator("#uploaded")).to_contain_text("Case c00003")
    expect(page.locator("#uploaded")).to_contain_text("p ")


def test_trouble_shows_within_two_seconds_and_goes_by_itself(open_page: Open, server: PageServer):
    page = open_page()
    for state, key in (("stale", "stale"), ("unreachable", "unreachable")):
        server.fake.state = state
        begun_s = time.monotonic()
        page.wait_for_selector(f"#banner-{key}")
        assert time.monotonic() - begun_s < BANNER_S
    expect(page.locator("#announced")).to_have_text("The mirror cannot be reached.")
    server.fake.state = "live"
    page.wait_for_selector("#banner-unreachable", state="detached")
    page.wait_for_function("document.querySelector('#state').textContent.includes('live')")
    before = len(server.fake.resumed)
    server.cut()
    begun_s = time.monotonic()
    page.wait_for_selector("#banner-lost")
    assert time.monotonic() - begun_s < BANNER_S
    expect(page.locator("#connection")).to_contain_text("connection lost")
    expect(page.locator("#pipeline")).to_contain_text("flow is shown live only")
    server.restore()
    page.wait_for_selector("#banner-lost", state="detached")
    expect(page.locator("#announced")).to_have_text("The twin is live.")
    # It goes on where it was: no change in between is missed.
    assert server.fake.resumed[before].isdigit()


def test_a_key_is_asked_for(browser: Browser):
    with page_server() as locked:
        locked.fake.key = "dt_right"
        page = browser.new_page()
        page.set_default_timeout(SLOW_MS)
        page.goto(locked.url)
        page.get_by_role("textbox", name="Key").fill("dt_wrong")
        page.get_by_role("button", name="Use for this tab").click()
        expect(page.locator("#banner-key")).to_contain_text("The one that was given opens nothing.")
        before = locked.fake.refusals
        assert before == 2  # one for each key, the empty one as well
        time.sleep(1.5)
        assert locked.fake.refusals == before  # wrong keys are counted: it does not try on
        page.get_by_role("textbox", name="Key").fill("dt_right")
        page.get_by_role("button", name="Use for this tab").click()
        page.wait_for_selector(".card img[src^='blob:']")  # an <img> of the path has no key
        expect(page.locator("#banner-key")).to_have_count(0)
        expect(page.locator("#connection")).to_have_text("● connected")
        page.close()


def test_keyboard_alone_will_do(open_page: Open):
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("g[data-name=cases]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer-title")).to_have_text("worker")
    expect(page.locator("#drawer-title")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Close", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("g[data-name=worker]")).to_be_focused()
    # Redraws come all the time; they must not take the focus away.
    page.locator(".card").nth(2).focus()
    name = page.evaluate("document.activeElement.dataset.id")
    time.sleep(1.5)
    assert page.evaluate("document.activeElement.dataset.id") == name


def test_phone(open_page: Open, server: PageServer):
    server.fake.labels = False
    page = open_page(360, 740, has_touch=True, is_mobile=True)
    expect(page.locator("#confusion")).to_contain_text("No labels came back yet")
    assert no_sideways(page)
    assert axe(page) == []
    page.locator(".card").first.tap()
    expect(page.locator("#drawer")).to_contain_text("Arrived")
    assert no_sideways(page)
    page.get_by_role("button", name="Close", exact=True).tap()
    page.locator("#theme").tap()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
