import re
import shutil
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest

import evo_nas
from evo_nas.errors import ChampionError, RunError
from evo_nas.evaluation import Status
from evo_nas.report.facts import RunFacts
from evo_nas.report.figures import NEEDS
from evo_nas.report.report import report_page, write_report
from evo_nas.runs import Run

pytest.importorskip("vl_convert", reason="vl-convert-python draws the figures")
SEARCH = {
    "name": "waves",
    "seed": 1,
    "space": {"layers": {"min": 1, "max": 1}, "widths": [4, 6], "batch_sizes": [16]},
    "training": {"epochs": 6},
    "fitness": {"rungs": [2]},
    "budget": {"evaluations": 45},
}
MOST_BYTES = 500_000


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 90)
    steps = np.linspace(0, 6, 9)
    waves = np.sin(steps[None] * (1 + classes[:, None]))[..., None] + rng.normal(0, 0.3, (90, 9, 1))
    return evo_nas.dataset_from_arrays(
        waves, np.array(["slow", "medium", "<b>fast"])[classes], kind="classification"
    )


@pytest.fixture(scope="module")
def place(dataset, tmp_path_factory):
    place = tmp_path_factory.mktemp("report") / "run"
    evo_nas.search(SEARCH, place, dataset=dataset, executor="inline")
    return place


@pytest.fixture(scope="module")
def written(place, dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("written")
    write_report(Run.at(place), out / "report.html", figures=out / "figures", dataset=dataset)
    return out


def test_the_page_has_every_figure_of_the_search(written):
    text = (written / "report.html").read_text()
    names = set(re.findall(r'<figure id="([a-z-]+)"', text))
    assert {
        "best-by-evaluations", "best-by-clock", "best-by-cost", "learning-curves", "pareto-front", "diversity",
        "operators", "endings", "workers",
    } <= names  # fmt: skip
    assert {"gates", "gene-importance", "history"} & names
    assert names <= NEEDS.keys()
    assert text.count("<svg") == len(names) + 1, "and the drawing of the cell"
    assert "<math" in text


def test_every_figure_is_also_an_svg_and_a_png(written):
    text = (written / "report.html").read_text()
    for name in re.findall(r'<figure id="([a-z-]+)"', text):
        drawn = (written / "figures" / f"{name}.svg").read_text()
        ElementTree.fromstring(drawn)
        assert "var(--" not in drawn
        assert not re.search(r'"#0[1-8]0[1-8]0[1-8]"', drawn), "a role has no colour"
        assert (written / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_loads_nothing_and_is_small(written):
    text = (written / "report.html").read_text()
    addresses = set(re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", text))
    assert not addresses
    assert "<script" not in text
    assert len(text.encode()) < MOST_BYTES


def test_names_of_classes_are_escaped(written):
    text = (written / "report.html").read_text()
    assert "&lt;b&gt;fast" in text
    assert "<b>fast" not in text


def test_the_sentence_and_the_scores_are_those_of_the_verdict(place, written):
    verdict = RunFacts.of(Run.at(place)).verdict
    text = (written / "report.html").read_text()
    assert f"{verdict.champion.test:.4g}" in text
    assert report_page(Run.at(place)).sentence == verdict.sentence


def test_data_that_cannot_be_read_are_said_and_all_else_is_reported(place):
    page = report_page(Run.at(place))
    (section,) = (section for section in page.sections if section.anchor == "task")
    assert "The data of the task cannot be read" in section.paragraphs[0]
    assert len(page.figures) > 5


def test_a_run_without_a_verdict_is_reported_as_far_as_it_went(place, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(place, copied)
    shutil.rmtree(copied / "champion")
    page = report_page(Run.at(copied))
    assert "no verdict" in page.sentence
    assert [section.anchor for section in page.sections][:2] == ["champion", "search"]
    assert not any("test" in card.name for card in page.cards)


def test_best_so_far_never_gets_worse(place):
    page = report_page(Run.at(place))
    (figure,) = (figure for figure in page.figures if figure.name == "best-by-evaluations")
    best = [each["best"] for each in figure.spec["data"]["values"]]
    facts = RunFacts.of(Run.at(place))
    assert best == sorted(best, reverse=not facts.higher_is_better)
    full = [facts.score_of(row) for row in facts.rows if row["status"] == Status.OK]
    assert best[-1] == pytest.approx((max if facts.higher_is_better else min)(full), rel=1e-5)


def test_a_run_without_a_scored_candidate_is_one_clear_error(tmp_path):
    with pytest.raises(RunError):
        report_page(Run.at(tmp_path / "nothing"))


def test_there_is_nothing_to_report_where_all_trainings_failed(place, monkeypatch):
    run = Run.at(place)
    monkeypatch.setattr(run, "best", lambda count: [])
    with pytest.raises(ChampionError, match="has nothing to report: none of its"):
        report_page(run)


@pytest.mark.slow
def test_a_browser_shows_every_figure_without_an_error(written):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    page = written / "report.html"
    command = [
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
        f"--user-data-dir={written / 'profile'}", page.as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in shown.stderr
    figures = page.read_text().count("<figure")
    assert shown.stdout.count("<figure") == figures
    assert len(re.findall(r"<svg[^>]*viewBox", shown.stdout)) == figures + 1, "and the drawing of the cell"
