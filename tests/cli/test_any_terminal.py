"""Text of the user's is shown as it is: it is never markup, steers no terminal, and every encoding can print it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from evo_nas.champion.verdict import Contestant, Verdict
from evo_nas.cli import main
from evo_nas.cli.display import LineDisplay
from evo_nas.cli.live import LiveDisplay
from evo_nas.cli.tables import runs_table
from evo_nas.cli.terminal import plain, plain_console
from evo_nas.cli.verdict_view import verdict_view
from evo_nas.sessions.events import Completed, Working
from evo_nas.views.run_summary import RunSummary
from tests.cli.conftest import Played

NAMES = {
    "[/INST]": "[/INST]",
    "[bold]x": "[bold]x",
    "[link=http://a]b": "[link=http://a]b",
    ":smile:": ":smile:",
    "back\\[slash]": "back\\[slash]",
    "\x1b[31mred": "\\x1b[31mred",
    "two\nlines": "two\\nlines",
    "a\u202eb": "a\\u202eb",
    "שלום": "שלום",
    "漢字": "漢字",
}
"""Names, and how a terminal shows them."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose labels, columns and name are the names above."""
    with (tmp_path / "[red] :cat:.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["[/a]", ":dog:", "label"])
        rows.writerows(
            [number % 7, number * number, list(NAMES)[number % len(NAMES)]] for number in range(200)
        )
    path = tmp_path / "nasty.yaml"
    path.write_text("name: nasty\ntask: {kind: classification, path: '[red] :cat:.csv'}\n", encoding="utf-8")
    return path


def test_labels_and_columns_are_shown_as_they_are(config: Path) -> None:
    result = CliRunner().invoke(main, ["data", str(config), "--no-baselines"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    for name in (*NAMES.values(), "[/a]", ":dog:"):
        assert name in result.output


def test_a_file_in_an_error_is_named_as_it_is(config: Path) -> None:
    result = CliRunner().invoke(main, ["data", str(config), "--set", "task.path='[bold] :x:.csv'"])
    assert result.exit_code == 2
    assert "[bold] :x:.csv cannot be read" in result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_runs_are_listed_by_their_names(name: str) -> None:
    console = plain_console(file=io.StringIO(), width=200)
    console.print(runs_table([RunSummary(name, task="digits"), RunSummary("damaged", error=f"{name}: no")]))
    listed = console.file.getvalue()
    assert listed.count(NAMES[name]) == 2


@pytest.mark.parametrize("name", NAMES)
def test_every_display_names_the_run(name: str, started, progress) -> None:
    # A console that takes markup, as a program that embeds the displays may have.
    console = Console(file=io.StringIO(), width=200, force_terminal=True, no_color=True)
    live = LiveDisplay(console, Played(place=name))
    console.print(live.view(progress(), replace(started, name=name)))
    assert NAMES[name] in console.file.getvalue()
    with live:
        live.show(Working(doing=f"reading {name}"))  # a spinner, which takes a text for markup
    with LineDisplay(console, Played(place="runs/[x]")) as lines:
        lines.show(Completed(run="runs/[x]"))
    assert "runs/[x] is complete" in console.file.getvalue()


def test_a_verdict_is_no_markup() -> None:
    contestant = Contestant("[/champion]", "1 layer: [b]x[/b]", 1, 0.5, 0.5, (0.5,))
    console = plain_console(file=io.StringIO(), width=200)
    console.print(verdict_view(Verdict(1, 2, "mse", False, contestant, (contestant,), (), {"[i]naive": 0.5})))
    assert all(text in console.file.getvalue() for text in ("[/champion]", "[b]x[/b]", "[i]naive"))


def test_letters_of_any_script_stay() -> None:
    assert plain("é न्ति 👩‍🔬 עב").plain == "é न्ति 👩‍🔬 עב"


def printed(config: Path, *options: str, encoding: str = "utf-8") -> tuple[int, str]:
    """Exit code and output of a look at the data, on a terminal of this encoding."""
    runner = CliRunner(charset=encoding, env={"COLUMNS": "200"})
    result = runner.invoke(main, ["data", str(config), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout_bytes.decode("latin-1") + result.stderr_bytes.decode("latin-1")


def printed_by_a_process(config: Path, *options: str, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-c", "from evo_nas.cli import main; main()", "data", config.name, *options]
    settings = {**os.environ, "COLUMNS": "200", **environment}
    ended = subprocess.run(command, cwd=config.parent, env=settings, capture_output=True, check=False)
    return ended.returncode, ended.stdout.decode("latin-1") + ended.stderr.decode("latin-1")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_is_escaped(config: Path, encoding: str) -> None:
    code, output = printed(config, "--no-baselines", encoding=encoding)
    assert code == 0, output
    assert "\\u6f22\\u5b57" in output
    assert " > " in output  # in the samples, for an arrow


def test_what_the_terminal_of_a_process_lacks_is_escaped(config: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, output = printed_by_a_process(config, "--no-baselines", **locale)
    assert code == 0, output
    assert "\\u6f22\\u5b57" in output
    assert " > " in output


def test_the_lengths_are_drawn_without_blocks(config: Path) -> None:
    texts = "\n".join(f"{'wet' if n % 2 else 'dry'} {n} {'wind ' * (1 + n % 6)}" for n in range(60))
    (config.parent / "weather.txt").write_text(texts)
    config.write_text("name: nasty\ntask: {kind: text_classification, path: weather.txt}\n")
    code, output = printed(config, "--no-baselines", encoding="ascii")
    assert code == 0, output
    assert set("#_") & set(output.partition("train  ")[2].partition("validation")[0])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_a_file_name_of_another_encoding_is_shown(config: Path) -> None:
    latin = config.parent / os.fsdecode(b"caf\xe9.yaml")
    latin.write_bytes(config.read_bytes())
    code, output = printed(latin, "--no-baselines")
    assert code == 0, output
    code, output = printed(latin, "--set", "task.path=none.csv")
    assert code == 2
    assert "Traceback" not in output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
@pytest.mark.parametrize("kind", ["labelling", "classification"])
def test_data_in_a_file_name_of_another_encoding_are_read_or_refused(config: Path, kind: str) -> None:
    for number in range(8):
        rows = "\n".join(f"{n % 7},{n * n},{'up' if n % 3 else 'down'}" for n in range(20))
        name = os.fsdecode(b"caf\xe9%d.csv" % number)
        (config.parent / name).write_text(f"a,b,label\n{rows}\n")
    config.write_text(f"name: nasty\ntask: {{kind: {kind}, paths: 'caf*.csv'}}\n")
    code, output = printed(config, "--no-baselines")
    assert "Traceback" not in output
    assert code in (0, 2)
