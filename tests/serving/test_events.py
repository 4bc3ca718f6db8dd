"""What is told of what happens: to the log and to the counters; and what is not."""

import io
import json
import logging

import pytest

from magicfixup_demo.errors import Cancelled, OptionError, PhotoError
from magicfixup_demo.serving import logs
from magicfixup_demo.serving.counters import Counters
from magicfixup_demo.serving.events import log, note, telling

SECRET = "/tmp/uploads/abc/holiday-in-rome.jpg"


@pytest.fixture
def counters():
    handler = Counters({"queue": ("Calls that wait.", lambda: 3)})
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


@pytest.fixture(params=logs.FORMATS)
def written(request):
    """written(level) -> a logger, and a function that returns all that was written."""
    text = io.StringIO()
    writer = logging.StreamHandler(text)
    logger = logging.getLogger("magicfixup_demo.a_test")
    logger.propagate, logger.handlers = False, [writer]
    logger.setLevel(logging.INFO)

    def begin(with_texts: bool = False):
        writer.setFormatter((logs.JsonLines if request.param == "json" else logs.Lines)(with_texts))
        return logger, lambda: text.getvalue()

    yield begin
    logger.handlers.clear()


def fails():
    try:
        raise FileNotFoundError(SECRET)
    except FileNotFoundError as error:
        raise ValueError(f"cannot read {SECRET}") from error


def test_an_exception_is_told_by_its_kind_and_place_alone(written):
    logger, text = written()
    try:
        fails()
    except ValueError as error:
        logger.exception("reading failed")
        logger.warning("it was %s", error)
    assert "ValueError" in text() and "FileNotFoundError" in text() and "fails" in text()
    assert "holiday" not in text() and "it was ValueError" in text()
    assert len(text().splitlines()) == 2, "one line each"


def test_who_looks_for_a_fault_sees_the_texts(written):
    logger, text = written(with_texts=True)
    try:
        fails()
    except ValueError:
        logger.exception("reading failed")
    assert SECRET in text()


def test_json_lines_are_json():
    record = log.makeRecord(log.name, logging.INFO, "", 0, "fixup", (), None, extra={"event_fields": {"seconds": 1.5}})
    line = json.loads(logs.JsonLines().format(record))
    assert (line["event"], line["seconds"], line["level"]) == ("fixup", 1.5, "info")
    assert line["time"].endswith("+00:00")
    assert "message" not in line and "exception" not in line


@pytest.mark.parametrize(("form", "level"), [("xml", "info"), ("json", "loud")])
def test_another_way_of_logging_is_refused_in_a_sentence(form, level):
    with pytest.raises(OptionError, match="choose among"):
        logs.configure(form, level)


def test_the_log_goes_where_it_is_told_to(capsys):
    handlers, level = logging.root.handlers[:], log.level
    try:
        logs.configure("json", "info")
        with telling("click", "page"):
            pass
        logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler())
        logs.adopt_uvicorn()
        logging.getLogger("uvicorn.error").error("broken: %s", ValueError(SECRET))
    finally:
        logging.root.handlers[:] = handlers
        log.setLevel(level)
    click, broken = map(json.loads, capsys.readouterr().err.splitlines())
    assert (click["event"], click["door"], click["outcome"]) == ("click", "page", "done") and click["seconds"] >= 0
    assert broken["message"] == "broken: ValueError"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "done"), (Cancelled(), "stopped"), (PhotoError(SECRET), "refused"), (KeyError(SECRET), "failed")],
)
def test_every_end_is_counted_once_and_passes_on(counters, error, outcome):
    try:
        with telling("fixup", "program") as told:
            told["model"] = "small"
            if error:
                raise error
    except Exception as passed:
        assert passed is error
    lines = set(counters.text().decode().splitlines())
    assert f'magicfixup_events_total{{door="program",event="fixup",outcome="{outcome}"}} 1.0' in lines
    assert f'magicfixup_fixups_total{{model="small",outcome="{outcome}"}} 1.0' in lines
    assert 'magicfixup_seconds_count{event="fixup"} 1.0' in lines and "magicfixup_queue 3.0" in lines
    kinds = {line for line in lines if line.startswith("magicfixup_failures_total")}
    failure = f'magicfixup_failures_total{{event="fixup",kind="{type(error).__name__}"}} 1.0'
    assert kinds == ({failure} if outcome in ("refused", "failed") else set())
    assert "holiday" not in counters.text().decode()


def test_what_has_no_name_is_not_told(counters):
    with telling(None, "page"):
        pass
    note("visit")
    text = counters.text().decode()
    assert 'event="visit"' in text and text.count("magicfixup_events_total{") == 1
