"""What training shows: on a terminal (a real one, by the pty module), in a pipe, and in odd surroundings."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import textwrap

import pytest

from nnlite.training import progress
from nnlite.training.callbacks import CallbackList, LambdaCallback, ProgbarLogger

# Hooks as fit, evaluate and predict call them; sleeps stand for the work.
SCRIPT = """
import sys, time
from nnlite.training.callbacks import CallbackList

class Model: pass

def fit(epochs=2, steps=4, sleep=0.02, verbose="auto", known=True, fail=False, validation=0.0):
    run = CallbackList(add_history=True, add_progbar=verbose != 0, model=Model(), verbose=verbose, epochs=epochs,
                       steps=steps if known else None)
    try:
        run.on_train_begin()
        for epoch in range(epochs):
            run.on_epoch_begin(epoch)
            for step in range(steps):
                run.on_train_batch_begin(step)
                time.sleep(sleep)
                run.on_train_batch_end(step, {"accuracy": 0.5, "loss": 1.0 / (step + 1)})
                if fail and step == steps - 2:
                    raise KeyboardInterrupt
            run.on_test_begin()
            run.on_test_batch_begin(0)
            time.sleep(validation)
            run.on_test_batch_end(0, {"loss": 9.0})
            run.on_test_end({"loss": 9.0})
            run.on_epoch_end(epoch, {"accuracy": 0.5, "loss": 0.25, "val_loss": 0.0004})
        run.on_train_end()
    finally:
        run.close()

def predict(steps, verbose="auto", sleep=0.0, known=True):
    run = CallbackList(add_progbar=verbose != 0, model=Model(), verbose=verbose, steps=steps if known else None)
    run.on_predict_begin()
    for step in range(steps):
        run.on_predict_batch_begin(step)
        time.sleep(sleep)
        run.on_predict_batch_end(step, {"outputs": step})
    run.on_predict_end()

def evaluate(steps, verbose="auto"):
    run = CallbackList(add_progbar=verbose != 0, model=Model(), verbose=verbose, steps=steps)
    run.on_test_begin()
    for step in range(steps):
        run.on_test_batch_begin(step)
        run.on_test_batch_end(step, {"loss": 1.0})
    run.on_test_end({"accuracy": 0.75, "loss": 2.5})
"""

LINE = r"\d+/\d+ - \d+s - \d+(us|ms|s)/step"


def script(code):
    return [sys.executable, "-c", SCRIPT + textwrap.dedent(code)]


def environment(**changes):
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "COLUMNS", "PYTHONIOENCODING")}
    return {**env, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **changes}


def piped(code, **env):
    return subprocess.run(script(code), capture_output=True, env=environment(**env), check=True).stdout.decode()


def on_terminal(code, columns=120, rows=30, status=0, **env):
    """Run the script on a terminal of its own and return all that it wrote there."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    child, terminal = pty.openpty()[::-1]
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen(
        script(code), stdin=child, stdout=child, stderr=subprocess.STDOUT, env=environment(**env)
    ) as p:
        os.close(child)
        written = b""
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not part:
                break
            written += part
    os.close(terminal)
    assert p.returncode == status, written
    return written.decode()


def screen(written, colours=True):
    """Return the lines that stay on the screen."""
    if colours:
        written = re.sub(r"\x1b\[[0-9;]*m", "", written)
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        cells = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines[:-1] if lines[-1] == "" else lines


# ---- pipes and files ----


def test_a_pipe_gets_a_line_an_epoch_without_control_characters():
    for verbose in ("auto", 1, 2, True):
        written = piped(f"fit(verbose={verbose!r})")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", written)
        end = " - accuracy: 0.5000 - loss: 0.2500 - val_loss: 4.0000e-04\n"
        assert re.fullmatch(rf"Epoch 1/2\n{LINE}{end}Epoch 2/2\n{LINE}{end}", written), written
        assert "4/4 - " in written


def test_one_epoch_has_no_heading():
    assert re.fullmatch(rf"{LINE} - accuracy.*\n", piped("fit(epochs=1)"))


def test_silence():
    assert piped("fit(verbose=0); fit(verbose=False); fit(verbose=None); evaluate(2, 0); predict(2, 0)") == ""


def test_evaluate_and_predict_write_one_line():
    assert re.fullmatch(rf"{LINE} - accuracy: 0.7500 - loss: 2.5000\n", piped("evaluate(1)"))
    assert re.fullmatch(rf"{LINE}\n", piped("predict(3)"))


def test_predict_of_one_batch_is_silent_unless_asked():
    assert piped("predict(1); predict(1, known=False)") == ""
    assert re.fullmatch(rf"{LINE}\n{LINE}\n{LINE}\n", piped("predict(1, 1); predict(1, 2); predict(2, known=False)"))


def test_tqdm_is_only_imported_for_a_bar():
    assert piped("fit(verbose=1); print('tqdm' in sys.modules)").endswith("False\n")
    assert on_terminal("fit(verbose=2); print('tqdm' in sys.modules)").endswith("False\r\n")
    assert on_terminal("fit(); print('tqdm' in sys.modules)").endswith("True\r\n")


def test_a_dumb_terminal_gets_lines():
    written = on_terminal("fit(epochs=1, sleep=0.05)", TERM="dumb")
    assert re.fullmatch(rf"{LINE} - accuracy.*\r\n", written)


# ---- terminals ----


def test_a_terminal_gets_a_bar_that_is_drawn_over():
    written = on_terminal("fit(steps=10, sleep=0.02)")
    assert len(re.findall(r"\r *\d+/10 ", written)) > 4
    assert "\x1b[32m━" in written and "accuracy: 0.5000 - loss: 0.3333" in written
    lines = screen(written)
    assert len(lines) == 4 and lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    for line in (lines[1], lines[3]):
        values = r"accuracy: 0\.5000 - loss: 0\.2500 - val_loss: 4\.0000e-04"
        assert re.fullmatch(rf"10/10 ━{{20}} \ds \d+ms/step - {values}", line), line


def test_the_bar_is_not_drawn_more_often_than_can_be_seen():
    written = on_terminal("at = time.time(); fit(epochs=1, steps=400, sleep=0.0005); print(time.time() - at)")
    seconds = float(screen(written)[-1])
    assert 2 <= len(re.findall(r"\r *\d+/400 ", written)) <= seconds / progress.INTERVAL + 2


def test_validation_inside_fit_shows_nothing():
    written = on_terminal("fit(epochs=1, steps=3, sleep=0.1, validation=0.2)")
    assert "9.0000" not in written and "1/1" not in written


def test_no_colour_is_respected():
    written = on_terminal("fit()", NO_COLOR="1")
    assert "\x1b[3" not in written and "━" in written
    assert screen(written, colours=False)[1].startswith("4/4 ━━━━━━━━━━━━━━━━━━━━ 0s")


def test_a_terminal_without_unicode_gets_an_ascii_bar():
    written = on_terminal("fit(sleep=0.05)", PYTHONIOENCODING="ascii")
    assert written.isascii() and screen(written)[1].startswith("4/4 ==================== 0s")


def test_unknown_lengths():
    first, second = re.split("Epoch 2/2", on_terminal("fit(steps=5, sleep=0.06, known=False)"))
    assert re.search(r"\r +\d/Unknown +\ds \d+ms/step - accuracy", first) and "/5" in first
    assert "Unknown" not in second and re.search(r"\r[1-4]/5 ", second)


def test_the_line_that_stays_is_whole_on_a_narrow_terminal():
    written = on_terminal("fit(epochs=1, steps=10, sleep=0.03)", columns=40)
    assert "val_loss: 4.0000e-04" in written
    drawn = [re.sub(r"\x1b\[[0-9;]*m", "", part) for part in written.split("\r")[1:-2]]
    assert drawn and all(len(part) <= 40 for part in drawn)


def test_a_terminal_that_does_not_know_its_size_gets_a_bar():
    assert re.search(r"\r *\d/10 .*accuracy: 0.5000", on_terminal("fit(epochs=1, steps=10)", columns=0, rows=0))


def test_an_exception_leaves_the_next_line_free():
    written = on_terminal(
        """
        try:
            fit(epochs=1, steps=10, sleep=0.03, fail=True)
        except KeyboardInterrupt:
            print("stopped")
        """
    )
    lines = screen(written)
    assert lines[-1] == "stopped" and re.match(r" [1-9]/10 ━+", lines[-2])


def test_evaluate_and_predict_show_one_bar():
    lines = screen(on_terminal("evaluate(2); predict(30, sleep=0.01); predict(1)"))
    assert len(lines) == 2
    assert re.fullmatch(r"2/2 ━{20} 0s \d+[mu]s/step - accuracy: 0\.7500 - loss: 2\.5000", lines[0])
    assert re.fullmatch(r"30/30 ━{20} \ds \d+ms/step", lines[1])


# ---- inside this process ----


class Model:
    pass


def run_fit(verbose=2, steps=2, done=None, logs=None):
    run = CallbackList(add_progbar=True, model=Model(), verbose=verbose, epochs=1, steps=steps)
    run.on_train_begin()
    run.on_epoch_begin(0)
    for step in range(steps if done is None else done):
        run.on_train_batch_end(step, logs)
    run.on_epoch_end(0, {"loss": 1.0} if logs is None else logs)
    run.on_train_end()
    return run


def test_standard_output_is_looked_up_when_it_is_written_to(capsys, monkeypatch):
    run_fit()
    assert capsys.readouterr().out.startswith("2/2 - 0s")
    elsewhere = io.StringIO()
    monkeypatch.setattr(sys, "stdout", elsewhere)
    run_fit("auto")
    assert elsewhere.getvalue().startswith("2/2 - 0s")


def test_no_standard_output_is_silence(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    run_fit()
    run_fit(1)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told to go on."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "perf_counter", clock)
    return clock


def notebook(monkeypatch):
    """Give this process a standard output as a notebook has it, without colours."""
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    return stream


def test_a_notebook_is_a_place_for_bars(monkeypatch):
    stream = notebook(monkeypatch)
    assert progress.resolve("auto") == 1
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    run_fit("auto", steps=4)
    assert "\r2/4 " in stream.getvalue()
    assert screen(stream.getvalue())[-1].startswith("4/4 ━━━━━━━━━━━━━━━━━━━━ 0s")


def test_the_bar_shows_time_left_and_how_far_it_is(clock, monkeypatch):
    stream = notebook(monkeypatch)
    display = progress.Display(10, bar=True)
    clock.now += 5.0  # the first step, which does not count
    drawn = []
    for done in range(1, 11):
        display.step(done, {"loss": 0.5})
        drawn.append(stream.getvalue().split("\r")[-1].rstrip())
        clock.now += 20.0
    display.finish({"loss": 0.25})
    assert drawn[0] == " 1/10 ━━                   45s 5s/step - loss: 0.5000"
    assert drawn[1] == " 2/10 ━━━━                 2:40 20s/step - loss: 0.5000"
    assert drawn[8] == " 9/10 ━━━━━━━━━━━━━━━━━━   20s 20s/step - loss: 0.5000"
    assert drawn[9] == "10/10 ━━━━━━━━━━━━━━━━━━━━ 0s 20s/step - loss: 0.5000"
    assert screen(stream.getvalue()) == ["10/10 ━━━━━━━━━━━━━━━━━━━━ 205s 20s/step - loss: 0.2500"]


def test_the_time_of_a_step_is_that_of_training(clock, capsys):
    display = progress.Display(3, bar=False)
    for done, seconds in enumerate((0.5, 0.02, 0.02), 1):
        clock.now += seconds
        display.step(done)
    clock.now += 2.0  # validation
    display.finish()
    assert capsys.readouterr().out == "3/3 - 3s - 20ms/step\n"


def test_a_single_step_has_its_own_time(clock, capsys):
    display = progress.Display(1, bar=False)
    clock.now += 0.25
    display.step(1)
    display.finish()
    assert capsys.readouterr().out == "1/1 - 0s - 250ms/step\n"


def test_an_epoch_cut_short_says_so(capsys):
    run_fit(steps=100, done=7)
    assert capsys.readouterr().out.startswith("  7/100 - 0s")


def test_values_that_callbacks_add_are_shown(capsys):
    added = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(learning_rate=0.1))
    run = CallbackList([added], add_progbar=True, model=Model(), verbose=2, epochs=1, steps=1)
    run.on_train_begin()
    run.on_epoch_begin(0)
    run.on_train_batch_end(0)
    run.on_epoch_end(0, {"loss": 1.0})
    assert capsys.readouterr().out.endswith(" - loss: 1.0000 - learning_rate: 0.1000\n")


@pytest.mark.parametrize("verbose", [3, -1, "1", "yes", 0.5])
def test_a_wrong_verbose_is_an_error_before_anything_happens(verbose):
    with pytest.raises(ValueError, match=r"verbose: got .*, expected 0, 1, 2 or 'auto'"):
        CallbackList(add_progbar=True, model=Model(), verbose=verbose)


def test_batch_logs_are_only_made_when_the_bar_is_drawn(clock, capsys):
    made = []

    def logs():
        made.append(1)
        return {"loss": 1.0}

    display = progress.Display(100, bar=True)
    for done in range(1, 50):
        display.step(done, logs)
    assert not made
    clock.now += progress.INTERVAL
    display.step(50, logs)
    assert made == [1]
    display.abandon()
    capsys.readouterr()


def test_progress_can_be_used_again():
    callback = ProgbarLogger()
    for _ in range(2):
        run = CallbackList([callback], model=Model(), verbose=0, epochs=1, steps=1)
        run.on_train_begin()
        run.on_train_end()
    assert callback._kind is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000e+00"),
        (1e-3, "1.0000e-03"),
        (0.00101, "0.0010"),
        (-2.5, "-2.5000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (3, "3.0000"),
        ([1.0, 2.0], "1.5000"),
        ("high", "high"),
    ],
)
def test_numbers_look_as_in_keras(value, text):
    assert progress.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (61, "1:01"), (3661, "1:01:01"), (90000, "25:00:00")]
)
def test_time_left(seconds, text):
    assert progress.time_left(seconds) == text
