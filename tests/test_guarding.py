"""What the guard goes by: where the server listens, whether it is a Space, whether there is a login."""

import pytest

from magicfixup_demo.serving.guard import Rules
from magicfixup_demo.ui.answer_files import answer_folders
from magicfixup_demo.ui.guarding import guard
from magicfixup_demo.ui.page import launch_options


def rules(*args, **options) -> Rules:
    return guard(*args, **options).kwargs["rules"]


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("MAGICFIXUP_AUTH", raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_page_for_this_machine_goes_by_its_names_and_refuses_other_sites(host):
    own = rules(host=host)
    assert own.private and {"localhost", "127.0.0.1", "::1"} <= own.hosts
    assert "photos.example" in rules(host=host, also=("Photos.example",)).hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", None])
def test_a_page_for_others_goes_by_any_name(host):
    public = rules(host=host, also=("photos.example",))
    assert not public.private and not public.hosts


def test_a_login_is_not_for_other_sites(monkeypatch):
    assert rules(True, "0.0.0.0").private
    monkeypatch.setenv("MAGICFIXUP_AUTH", "name:password")
    (middleware,) = launch_options("0.0.0.0")["app_kwargs"]["middleware"]
    assert middleware.kwargs["rules"].private


def test_a_space_is_framed_by_the_hub_and_goes_by_any_name(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/magic-fixup")
    space = rules(host="127.0.0.1")
    assert space.on_space and not space.hosts and not space.private


def test_only_the_answers_of_the_upload_folder_are_handed_out(tmp_path, monkeypatch):
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(link))
    assert answer_folders() == (link / "answers", real / "answers") == rules().answers
    assert rules().uploads == link


def test_nothing_of_gradio_is_on_that_shares_records_or_tells():
    options = launch_options()
    assert not any(options[name] for name in ("share", "show_error", "run_history", "enable_monitoring", "ssr_mode"))
