"""A run that is stopped loses nothing: not the step at hand, and not the checkpoint before a broken one."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from magicfixup_demo.errors import DataError
from magicfixup_demo.training.config import train_config
from magicfixup_demo.training.journal import append, forget_after, records
from magicfixup_demo.training.loop import train
from magicfixup_demo.training.state import has_state, load_state, save_state
from magicfixup_demo.training.stopping import Stop


class OneProcess:
    num_processes = 1


def test_a_signal_is_kept_for_the_end_of_the_step_and_the_second_one_acts():
    before = signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        assert not stop.asked(OneProcess())
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked(OneProcess()) and stop.reason == "by SIGTERM"
        assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGTERM) == before


def test_time_runs_out():
    assert not Stop(minutes=10).asked(OneProcess())
    stop = Stop(minutes=1e-9)
    time.sleep(0.001)
    assert stop.asked(OneProcess()) and "minutes" in stop.reason


def test_a_run_out_of_time_goes_on_where_it_stopped(real_lpips, pairs, tmp_path):
    config = train_config("tiny", cooldown=0.0, save_every=100)
    whole = train(config, [pairs], [], tmp_path / "whole")
    steps = [train(config, [pairs], [], tmp_path / "cut", resume=True, minutes=1e-9).step for _ in range(2)]
    rest = train(config, [pairs], [], tmp_path / "cut", resume=True)
    assert steps == [1, 2] and rest.step == 4 and rest.stopped is None
    one, other = (load_state(tmp_path / name) for name in ("whole", "cut"))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert [r["step"] for r in records(tmp_path / "cut" / "log.jsonl")] == [1]
    assert whole.step == 4


def test_the_command_saves_when_it_is_told_to_stop(real_lpips, pairs, tmp_path, repository):
    command = [sys.executable, "-m", "magicfixup_demo", "train", "--preset", "tiny", "--steps", "100000"]
    running = subprocess.Popen(
        [*command, "--data", pairs, "-o", tmp_path / "run"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    first = running.stdout.readline()
    running.send_signal(signal.SIGTERM)
    rest, _ = running.communicate(timeout=120)
    assert first.startswith("step 1 of 100,000")
    assert running.returncode == 0
    assert "Stopped by SIGTERM" in rest and "--resume" in rest
    step = load_state(tmp_path / "run")["step"]
    assert f"saved after step {step:,}" in rest


def test_the_state_before_a_broken_one_is_used(tmp_path):
    save_state(tmp_path, {"step": 1})
    save_state(tmp_path, {"step": 2})
    assert load_state(tmp_path)["step"] == 2
    (tmp_path / "state.pt").write_bytes(b"half a file")
    assert load_state(tmp_path)["step"] == 1
    (tmp_path / "state.pt").unlink()  # died between the two renames
    assert has_state(tmp_path) and load_state(tmp_path)["step"] == 1
    (tmp_path / "state.previous.pt").write_bytes(b"")
    with pytest.raises(DataError, match="begin a new run"):
        load_state(tmp_path)


def test_lines_after_the_saved_step_are_written_again(tmp_path):
    log = tmp_path / "log.jsonl"
    for step in (1, 10, 20):
        append(log, {"step": step})
    forget_after(log, 10)
    assert [r["step"] for r in records(log)] == [1, 10]
    forget_after(tmp_path / "none.jsonl", 10)
    assert records(tmp_path / "none.jsonl") == []
