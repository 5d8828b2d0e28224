"""The page in a browser: a search from the form to a downloaded champion, without a mouse, on a phone, in the dark."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.served import VERDICT, make_root, options, serving
from tests.server.launching import TINY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    Opened = tuple[Page, list[str]]
    """A page, and what its browser complains of."""

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}: apt install chromium"
    ),
]
PATIENCE_MS = 120_000
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
PAGES = (
    "/", "/new", "/data", "/data?example=quickstart", "/compare?run=judged&run=open", "/runs/judged",
    "/runs/judged/evaluations",
    "/runs/judged/front", "/runs/judged/lineage", "/runs/judged?candidate=0", "/runs/judged/champion",
    "/runs/judged/report", "/runs/judged/config", "/runs/judged/log", "/runs/nowhere", "/nowhere",
)  # fmt: skip
PARITY = """\
# Whether the ones of a sequence are even in number.
name: from-the-form
task: {kind: parity, train: 64, validation: 32, test: 32}
space: {widths: [4, 6], batch_sizes: [32], cell_nodes: 8}
strategy: {kind: random}
training: {epochs: 1}
budget: {evaluations: 6}
verdict: {finalists: 1, cuts: 1, trials: 1, seeds: 1, most_seeds: 1, opponents: [gru]}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("browsed"))


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[str]:
    places = ["--root", str(root), "--data", str(root.parent / "data")]
    command = [sys.executable, "-m", "evo_nas.cli", "serve", *places, "--port", "0", "--inline"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1].rstrip("/")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        sync_api.expect.set_options(timeout=PATIENCE_MS)
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What browsers complain of during a test, which must be nothing."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def page(browser: Browser, service: str, faults: list[str]) -> Iterator[Page]:
    page = opened(browser, service, faults)
    yield page
    page.context.close()


def opened(browser: Browser, service: str, faults: list[str], **given: Any) -> Page:
    """A page of a context of its own, whose complaints and requests to elsewhere are faults."""
    context = browser.new_context(base_url=service, **{"viewport": DESKTOP, **given})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on(
        "console", lambda message: faults.append(f"{page.url}: {message.text}") if is_fault(message) else None
    )
    page.on(
        "request", lambda request: faults.append(request.url) if is_elsewhere(request.url, service) else None
    )
    return page


def is_fault(message: Any) -> bool:
    # What a page asks for may not be there; the browser says so of every answer that is an error.
    return message.type in {"error", "warning"} and "status of 404" not in message.text


def is_elsewhere(url: str, service: str) -> bool:
    return not url.startswith((service, "data:", "blob:", "about:"))


def settled(page: Page) -> None:
    """Waits until nothing is being loaded."""
    page.locator("h1").first.wait_for()
    sync_api.expect(page.locator("[aria-busy=true], .loading")).to_have_count(0)


def test_a_search_is_started_watched_and_its_champion_taken_away(page: Page, tmp_path: Path) -> None:
    write(page, PARITY)
    sync_api.expect(page.get_by_label("Name of the run")).to_have_value("from-the-form")
    page.get_by_role("button", name="Start the search").click()
    page.wait_for_url("**/runs/from-the-form")
    page.get_by_text("judged", exact=True).first.wait_for()

    page.get_by_role("link", name="Champion").click()
    page.get_by_role("heading", name="Verdict").wait_for()
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("table", name="what the champion predicts").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="download as genome").click()
    download.value.save_as(tmp_path / "genome.zip")
    assert any(name.endswith(".json") for name in zipfile.ZipFile(tmp_path / "genome.zip").namelist())

    page.get_by_role("link", name="Report").click()
    report = page.frame_locator("iframe")
    report.get_by_role("heading", name="Verdict").first.wait_for()
    sync_api.expect(report.locator("figure").first).to_be_visible()


def write(page: Page, yaml: str) -> None:
    """Puts a configuration in the place of the example that the page begins with."""
    page.goto("/new")
    sync_api.expect(page.get_by_label("Name of the run")).to_have_value(re.compile("quickstart"))
    page.get_by_label("configuration as YAML").fill(yaml)


def test_a_file_is_looked_at_before_it_is_searched(page: Page) -> None:
    page.goto("/data")
    page.get_by_role("button", name="Choose a data file").click()
    page.get_by_role("button", name="data/", exact=True).click()
    page.get_by_role("button", name="rows.csv").click()
    page.get_by_role("table", name="baselines").wait_for()
    sync_api.expect(page.get_by_role("table", name="parts of the data").get_by_text("train")).to_be_visible()
    page.get_by_role("link", name="Search with these").click()
    sync_api.expect(page.get_by_label("Name of the run")).to_have_value("rows")
    sync_api.expect(page.get_by_label("kind").first).to_have_value("classification")
    sync_api.expect(page.get_by_role("region", name="what is wrong")).to_have_count(0)


def test_ten_mistakes_are_ten_problems(page: Page) -> None:
    wrong = "\n".join(f"wrong_{number}: 1" for number in range(8))
    write(page, f"name: mistaken\nseed: none\n{wrong}\n")
    problems = page.get_by_role("region", name="what is wrong")
    sync_api.expect(problems.get_by_role("listitem")).to_have_count(10)
    page.get_by_role("button", name="Start the search").click()
    sync_api.expect(page).to_have_url(f"{page.url.split('/new', maxsplit=1)[0]}/new")


def test_an_example_that_is_chosen_again_takes_the_place_of_what_was_typed(page: Page) -> None:
    write(page, PARITY)
    sync_api.expect(page.get_by_label("Name of the run")).to_have_value(re.compile("from-the-form"))
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("dialog").get_by_role("button", name="quickstart").click()
    sync_api.expect(page.get_by_label("Name of the run")).to_have_value(re.compile("quickstart"))


def test_a_search_is_stopped_and_resumed_without_a_mouse(page: Page) -> None:
    long = {
        **TINY,
        "name": "by-keys",
        "budget": {"evaluations": 4000},
        "verdict": {**VERDICT, "at_end": False},
    }
    page.request.post("/api/v1/runs", data={"config": long})
    page.goto("/")
    page.get_by_role("link", name="by-keys").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("by-k")
    sync_api.expect(page.get_by_role("row")).to_have_count(2)
    press(page, "by-keys", role="link")
    page.wait_for_url("**/runs/by-keys")
    press(page, "Stop")
    confirm(page)
    page.get_by_text("stopped", exact=True).first.wait_for()
    press(page, "Resume")
    confirm(page)
    page.get_by_text("running", exact=True).first.wait_for()
    press(page, "Stop")
    confirm(page)
    page.get_by_text("stopped", exact=True).first.wait_for()


def test_the_quickstart_is_started_by_two_keys(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="judged", exact=True).wait_for()
    page.keyboard.press("n")
    sync_api.expect(page.get_by_label("Name of the run")).to_have_value("quickstart")
    sync_api.expect(page.get_by_role("button", name="Start the search")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/quickstart")
    # It is known to start; its two minutes are not waited for.
    page.request.post("/api/v1/runs/quickstart/stop")
    page.get_by_text("stopped", exact=True).first.wait_for()


def test_the_form_and_the_text_are_in_step_for_those_who_only_type(page: Page) -> None:
    write(page, PARITY.replace("from-the-form", "by-typing"))
    page.get_by_label("evaluations", exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("zero")
    field = page.locator(".field").filter(has=page.get_by_label("evaluations", exact=True))
    sync_api.expect(field.get_by_text("must be a whole number")).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    sync_api.expect(page.get_by_role("region", name="what is wrong")).to_have_count(0)
    text = page.get_by_label("configuration as YAML")
    sync_api.expect(text).to_have_value(
        PARITY.replace("from-the-form", "by-typing").replace("evaluations: 6", "evaluations: 3")
    )
    text.focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/runs/by-typing")
    page.get_by_text("judged", exact=True).first.wait_for()
    page.keyboard.press("5")
    page.wait_for_url("**/runs/by-typing/champion")
    page.get_by_role("heading", name="Verdict").wait_for()
    with page.expect_download() as download:
        press(page, "download as genome", role="link")
    assert download.value.suggested_filename == "by-typing-genome.zip"


def press(page: Page, name: str, role: Literal["button", "link"] = "button") -> None:
    """Goes to a button or a link by the tabulator and presses it."""
    button = page.get_by_role(role, name=name).first
    button.wait_for()
    for _ in range(60):
        if button.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"the tabulator does not lead to {name}")
    page.keyboard.press("Enter")


def confirm(page: Page) -> None:
    """Does what the dialog that opens is for, by Enter alone."""
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")


def test_a_field_goes_back_to_its_default_by_the_button_that_says_so(page: Page) -> None:
    write(page, PARITY + "seed: 7\n")
    page.get_by_role("button", name="use default of seed").click()
    sync_api.expect(page.get_by_label("configuration as YAML")).to_have_value(PARITY)
    sync_api.expect(page.get_by_role("button", name="use default of seed")).to_have_count(0)


def test_a_run_is_forked_with_a_change(page: Page) -> None:
    page.request.post("/api/v1/runs", data={"config": {**TINY, "name": "original"}})
    page.goto("/runs/original")
    page.get_by_text("complete", exact=True).first.wait_for()
    page.get_by_role("button", name="Fork").click()
    page.get_by_label("Name of the new run").fill("shorter")
    sync_api.expect(page.get_by_label("key", exact=True)).to_have_value("budget.evaluations")
    page.get_by_label("new value").fill("3")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/runs/shorter")
    page.get_by_text("complete", exact=True).first.wait_for()
    assert page.request.get("/api/v1/runs/shorter").json()["config"]["budget"]["evaluations"] == 3


def test_runs_that_are_chosen_in_the_list_are_compared(page: Page) -> None:
    page.goto("/")
    for name in ("open", "judged"):
        page.get_by_label(f"compare {name}", exact=True).check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/compare?run=open&run=judged")
    for part in ("Best so far", "Verdicts", "Configurations"):
        sync_api.expect(page.get_by_role("heading", name=part)).to_be_visible()
    verdicts = page.get_by_role("region", name="table of verdicts of the runs")
    assert verdicts.evaluate("region => region.scrollWidth <= region.clientWidth")


def test_a_token_is_asked_for_before_anything_is_refused(
    browser: Browser, tmp_path: Path, faults: list[str]
) -> None:
    token = "a-token-that-is-long-enough-for-this"
    with serving(options(tmp_path / "runs", token=token)) as address:
        page = opened(browser, address, faults)
        page.goto("/compare")
        page.get_by_label("Token").wait_for()
        # Not even two of them let anybody in.
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        sync_api.expect(page.get_by_role("dialog")).to_have_count(0)
        sync_api.expect(page.get_by_role("heading", name="Compare")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Token").wait_for()
        page.context.close()


def test_a_run_that_was_removed_while_it_is_open_says_so(page: Page, root: Path) -> None:
    shutil.copytree(root / "open", root / "removed")
    page.goto("/runs/removed")
    settled(page)
    shutil.rmtree(root / "removed")
    page.get_by_role("link", name="Config", exact=True).click()
    sync_api.expect(page.get_by_role("alert")).to_contain_text("no longer there")
    sync_api.expect(page.get_by_role("button", name="Judge")).to_have_count(0)


def test_a_run_without_a_score_says_so_and_offers_no_verdict(page: Page) -> None:
    space = {"widths": [64], "max_parameters": 10}
    page.request.post("/api/v1/runs", data={"config": {**TINY, "name": "hopeless", "space": space}})
    page.goto("/runs/hopeless")
    page.get_by_text("failed", exact=True).first.wait_for()
    sync_api.expect(page.get_by_text("Nothing was trained.")).to_be_visible()
    page.get_by_role("link", name="Evaluations", exact=True).click()
    sync_api.expect(page.get_by_text("Nothing was trained.")).to_be_visible()
    page.get_by_role("link", name="Champion", exact=True).click()
    sync_api.expect(page.get_by_text("There is no candidate to judge.")).to_be_visible()
    sync_api.expect(page.get_by_role("button", name="Judge")).to_have_count(0)
    # Others are compared in spite of it.
    page.goto("/compare?run=judged&run=hopeless")
    sync_api.expect(page.get_by_role("alert")).to_have_text("hopeless: it holds nothing yet")
    sync_api.expect(page.get_by_role("heading", name="Verdicts")).to_be_visible()


def test_the_search_field_follows_the_address(page: Page) -> None:
    page.goto("/?q=nothing-is-called-this")
    page.get_by_role("link", name="Show all of them").click()
    sync_api.expect(page.get_by_label("search runs")).to_have_value("")
    sync_api.expect(page.get_by_role("link", name="judged", exact=True)).to_be_visible()


def test_a_dot_of_the_chart_opens_its_candidate_and_escape_closes_it(page: Page) -> None:
    page.goto("/runs/judged")
    plot = page.locator(".u-over").first
    plot.wait_for()
    size = plot.bounding_box()
    assert size is not None
    # The chart is as wide as six evaluations; the third is at two fifths, at whatever height.
    for share in range(3, 98, 3):
        plot.hover(position={"x": 0.4 * size["width"], "y": share / 100 * size["height"]})
        if page.locator(".course .ring:visible").count():
            break
    page.mouse.down()
    page.mouse.up()
    candidate = page.get_by_role("complementary")
    sync_api.expect(candidate.get_by_role("heading", name="Family")).to_be_visible()
    page.keyboard.press("Escape")
    sync_api.expect(candidate).to_have_count(0)


@pytest.mark.parametrize("tab", ["evaluations", "lineage"])
def test_a_candidate_is_opened_by_keys(page: Page, tab: str) -> None:
    page.goto(f"/runs/judged/{tab}")
    settled(page)
    if tab == "evaluations":
        page.keyboard.press("j")
    else:
        page.locator(".node").first.focus()
        page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("complementary").get_by_role("heading", name="Family")).to_be_visible()
    assert "candidate=" in page.url


def test_a_choice_of_colours_does_not_wait_for_the_modules(page: Page) -> None:
    page.goto("/")
    while page.locator("html").get_attribute("data-theme") != "dark":
        page.get_by_role("button", name="colours").click()
    # As before the first paint: no module has been read yet.
    page.route("**/app.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.reload()
    sync_api.expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_what_lies_far_from_the_champion_is_an_arrow_and_not_a_place(page: Page) -> None:
    page.goto("/")
    page.evaluate(
        """async () => {
          const { html, render } = await import("/page/html.js");
          const { Verdict } = await import("/page/champion/verdict.js");
          const one = { which: "champion", name: "champion", test: 0.5, tests: [0.49, 0.51], validation: 0.5,
            parameters: 1, latency_ms: null, train_s: 1, failures: 0, architecture: "", epochs: 1 };
          const verdict = { metric: "mse", higher_is_better: false, champion: one, opponents: [], trials: 1,
            baselines: { below: 0.001, near: 0.52, above: 30 } };
          render(html`<${Verdict} verdict=${verdict} />`, document.getElementById("app"));
        }"""
    )
    arrows = {
        name: page.get_by_role("row", name=name).locator(".beyond").count()
        for name in ("champion", "below", "near", "above")
    }
    assert arrows == {"champion": 0, "below": 1, "near": 0, "above": 1}
    sync_api.expect(page.get_by_role("row", name="champion").get_by_text("0.5000 ± 0.014")).to_be_visible()


def test_failures_of_one_cause_are_shown_as_chosen(page: Page) -> None:
    hurried = {**TINY, "name": "hurried", "training": {"epochs": 1, "time_limit_s": 1e-6}}
    page.request.post("/api/v1/runs", data={"config": hurried})
    page.goto("/runs/hurried")
    page.get_by_role("link", name="in all").click()
    chosen = page.get_by_role("group", name="status").locator("[aria-pressed=true]")
    sync_api.expect(chosen).to_have_text(re.compile("timed out"))


@pytest.fixture(scope="module")
def looked_at(browser: Browser, service: str) -> Iterator[Opened]:
    """One page for all addresses, since a browser takes longer to open another than to show what it is for."""
    found: list[str] = []
    page = opened(browser, service, found, bypass_csp=True, reduced_motion="reduce")
    yield page, found
    page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_in_the_light_and_in_the_dark(looked_at: Opened, path: str) -> None:
    page, found = looked_at
    page.emulate_media(color_scheme="light")
    page.goto(path)
    settled(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        violations = axe.Axe().run(page).response["violations"]
        serious = [each for each in violations if each["impact"] in {"serious", "critical"}]
        assert not serious, [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in serious]
    assert found == []


@pytest.fixture(scope="module")
def phone(browser: Browser, service: str) -> Iterator[Opened]:
    found: list[str] = []
    page = opened(browser, service, found, viewport=PHONE, color_scheme="dark", has_touch=True)
    yield page, found
    page.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_shows_every_page_without_scrolling_sideways(phone: Opened, path: str) -> None:
    page, found = phone
    page.goto(path)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found == []
