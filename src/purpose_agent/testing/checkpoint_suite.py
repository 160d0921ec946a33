"""What every `Checkpointer` must do, as tests: for ours, and for one of your own.

In:  a way to open your store.
Out: tests, for pytest or any runner that gives `test_…` methods an empty folder as `tmp_path`.

    class TestMine(CheckpointerSuite):
        def make(self, folder: Path) -> Checkpointer:
            return MyCheckpointer(folder / "runs.db")

Several tests open the store in processes of their own: the module that holds your class is loaded there from its file, so
the class stands at its top level, and what the module does when it is imported is done there, too.
"""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, TypeVar

from purpose_agent.core.errors import PurposeAgentError, RunTaken, UsageError
from purpose_agent.core.messages import Json
from purpose_agent.runtime.checkpoint import Checkpointer
from purpose_agent.runtime.events import RunResumed, StateChanged
from purpose_agent.testing.checkpoint_acts import RACE_EVENTS, a_run, heard, kept, pair_of, say, together

E = TypeVar("E", bound=PurposeAgentError)

SECRET = "AKIA" + "Q3EXAMPLEKEY7WZT"  # in two parts, so that nobody who looks for leaked keys finds this one


class CheckpointerSuite:
    """Make a subclass whose name begins with `Test`, and say in it how your store is opened.

    Attributes:
        outlives_process: False for a store that is gone with the process; what needs several processes is then left out.
    """

    outlives_process: ClassVar[bool] = True

    def make(self, folder: Path) -> Checkpointer:
        """Your store, kept in `folder`. Called again with the same folder, also in another process, it opens what is there."""
        raise NotImplementedError("Say in your subclass how the store is opened: def make(self, folder: Path) -> Checkpointer")

    def tear(self, folder: Path, run_id: str) -> bool:
        """Leave the store as a write of the run does that was cut off in its middle; False if yours has no such state.

        For stores with files of their own: take a few bytes from the end of the file.
        """
        return False

    def test_a_run_comes_back_as_it_was_saved_in_its_order(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        for event in events[:2]:
            store.append([event])
        store.append(events[2:5])
        store.append([])
        store.append(events[5:])

        trace = self._again(tmp_path, store).load("run_1")

        assert trace is not None, "the run that was just saved is not there"
        assert trace.events == events, "its events are not those that were saved"

    def test_what_was_not_saved_is_not_there_and_reading_creates_nothing(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)

        assert store.load("run_9") is None
        assert list(store.runs()) == []
        assert list(tmp_path.iterdir()) == []

    def test_a_number_that_is_taken_is_refused_and_nothing_of_the_batch_is_kept(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        store.append(events[:4])
        mine = replace(events[3], id="evt_mine", payload=StateChanged({"door": "broken"}))

        for batch in (events[3:], [mine], [mine, *events[4:]], events[:4], events):
            refused(RunTaken, lambda batch=batch: store.append(batch))

        assert kept(self._again(tmp_path, store)) == events[:4]

    def test_a_gap_is_refused_before_and_within_a_batch(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        store.append(events[:3])

        for batch in (events[4:], [events[3], events[5]], [events[4], events[3]], [events[3], events[3]]):
            refused(RunTaken, lambda batch=batch: store.append(batch))

        assert kept(self._again(tmp_path, store)) == events[:3]
        store.append(events[3:])
        assert kept(store) == events

    def test_a_run_that_never_began_cannot_go_on(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)

        refused(RunTaken, lambda: store.append(events[1:]))

        assert store.load("run_1") is None
        assert list(store.runs()) == []

    def test_calls_that_make_no_sense_are_refused_and_nothing_is_kept(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)

        refused(UsageError, lambda: store.append([replace(events[1], seq=1)]))
        refused(UsageError, lambda: store.append([events[0], *a_run("run_2")[1:]]))

        assert list(store.runs()) == []
        store.append(events)
        assert kept(store) == events

    def test_what_comes_after_the_end_of_a_run_is_kept_too(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        store.append(events)
        later = replace(events[-1], seq=events[-1].seq + 1, id="evt_later", payload=RunResumed("1:1", 2, "died"))

        store.append([later])

        assert kept(self._again(tmp_path, store)) == (*events, later)

    def test_a_thousand_runs_are_kept_apart_and_listed_newest_first(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        ids = [f"run_{number:04d}" for number in range(1000)]
        for run_id in ids:
            store.append(a_run(run_id)[:2])

        again = self._again(tmp_path, store)

        assert list(again.runs()) == ids[::-1]
        for run_id in ids[::97]:
            assert kept(again, run_id) == a_run(run_id)[:2]

    def test_names_of_runs_lead_nowhere_else(self, tmp_path: Path) -> None:
        ids = [
            "../outside",
            "/etc/run",
            "a/../../b",
            "..",
            "run 1",
            "Run_1",
            "run_1",
            "run%2f",
            "lauf_ü",
            "x\x00y",
            "run_1.jsonl",
        ]
        folder = tmp_path / "in" / "here"
        folder.mkdir(parents=True)
        store = self.make(folder)
        for run_id in ids:
            store.append(a_run(run_id)[:1])

        again = self._again(folder, store)

        assert sorted(again.runs()) == sorted(ids)
        assert [kept(again, run_id)[0].run_id for run_id in ids] == ids
        assert [path.name for path in tmp_path.rglob("*") if not path.is_relative_to(folder)] == ["in"]

    def test_any_text_is_kept(self, tmp_path: Path) -> None:
        store, first = self.make(tmp_path), a_run()[0]
        words = ["ein Wörtchen", "漢字", "😀", "a\nb\r\nc\u2028d\u0085e", "\x00\x07", '", "until": 5}', ""]
        values: dict[str, Json] = {**{str(number): word for number, word in enumerate(words)}, "all": [*words], "\n": None}
        store.append([first, replace(first, seq=2, id="evt_2", payload=StateChanged(values))])
        store.append([replace(first, seq=3, id="evt_3", payload=StateChanged({"half": "\ud83d."}))])

        events = kept(self._again(tmp_path, store))

        assert events[1].payload == StateChanged(values)
        assert events[2].payload == StateChanged({"half": "?."}), "what UTF-8 can't hold is kept as a question mark"

    def test_a_payload_of_a_megabyte_is_kept(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        big = replace(events[1], payload=StateChanged({"page": "ü€😀x" * 150_000}))
        store.append([events[0], big])
        store.append(events[2:])

        assert kept(self._again(tmp_path, store)) == (events[0], big, *events[2:])

    def test_secrets_are_not_kept(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        told = replace(events[1], payload=StateChanged({"page": f"the key is {SECRET}, don't tell"}))
        store.append([events[0], told])

        text = repr(kept(self._again(tmp_path, store)))

        assert SECRET not in text
        assert "[secret: " in text
        assert all(SECRET.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    def test_a_run_can_be_loaded_while_it_goes_on(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        reader = self._again(tmp_path, store)
        for number in range(1, len(events) + 1):
            store.append(events[number - 1 : number])
            assert kept(reader) == events[:number]

    def test_a_write_that_was_cut_off_is_left_out_and_the_run_goes_on_after_what_was_whole(self, tmp_path: Path) -> None:
        events, store = a_run(), self.make(tmp_path)
        store.append(events[:2])
        store.append(events[2:6])
        if not self.tear(tmp_path, "run_1"):
            return

        again = self.make(tmp_path)

        assert kept(again) == events[:2], "a batch is there as a whole or not at all"
        refused(RunTaken, lambda: again.append(events[6:]))
        again.append(events[2:])
        assert kept(self.make(tmp_path)) == events

    def test_what_was_saved_outlives_a_process_that_is_killed_right_after(self, tmp_path: Path) -> None:
        if not self.outlives_process:
            return
        self.make(tmp_path)
        with self._process("append_and_wait", tmp_path) as process:
            assert heard(process) == "saved"
            process.kill()

        assert kept(self.make(tmp_path)) == a_run()[:5]

    def test_of_several_processes_that_go_on_with_a_run_one_wins_each_number(self, tmp_path: Path) -> None:
        if not self.outlives_process:
            return
        events = a_run()
        self.make(tmp_path).append(events[:1])
        processes = 4
        won: list[list[str]] = []
        with together([self._process("race", tmp_path, str(number)) for number in range(processes)]) as racers:
            for racer in racers:
                assert heard(racer) == "ready"
            for racer in racers:
                say(racer, "go")
            won = [json.loads(heard(racer)) for racer in racers]

        saved = kept(self.make(tmp_path))

        assert [event.seq for event in saved] == list(range(1, len(saved) + 1))
        assert sorted(id for ids in won for id in ids) == sorted(event.id for event in saved[1:]), (
            "each kept event has one winner"
        )
        assert len(saved) == 1 + RACE_EVENTS, "a refused batch left something, or one that was not refused is missing"

    def test_a_reader_in_another_process_never_sees_half_a_batch(self, tmp_path: Path) -> None:
        if not self.outlives_process:
            return
        self.make(tmp_path).append(a_run()[:1])
        with self._process("read", tmp_path) as reader:
            assert heard(reader) == "ready"
            store = self.make(tmp_path)
            for number in range(100):
                store.append(pair_of(2 + 2 * number))
            say(reader, "done")
            counts = json.loads(heard(reader))

        assert all(count % 2 == 1 for count in counts), "a batch of two was seen in part"
        assert counts == sorted(counts)
        assert counts[-1] == 201

    def _again(self, folder: Path, store: Checkpointer) -> Checkpointer:
        """The store opened anew, where it outlives the one who opened it."""
        return self.make(folder) if self.outlives_process else store

    def _process(self, act: str, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
        """Another process that opens the store and does `act` of `checkpoint_acts.py`."""
        kind = type(self)
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                _CHILD,
                json.dumps(sys.path),
                inspect.getfile(kind),
                kind.__name__,
                act,
                str(folder),
                *arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


_CHILD = """
import importlib.util, json, sys
from pathlib import Path
sys.path[:] = json.loads(sys.argv[1])
from purpose_agent.testing.checkpoint_acts import act
spec = importlib.util.spec_from_file_location("store_under_test", sys.argv[2])
module = importlib.util.module_from_spec(spec)
sys.modules["store_under_test"] = module
spec.loader.exec_module(module)
act(sys.argv[4], getattr(module, sys.argv[3])().make(Path(sys.argv[5])), sys.argv[6:])
"""


def refused(error: type[E], call: Callable[[], object]) -> E:
    """What `call` raises, which must be an `error`."""
    try:
        call()
    except error as found:
        return found
    raise AssertionError(f"{error.__name__} should have been raised, and nothing was")
