"""Counts of what came back."""

import threading

from benchmarks.serving_load.tally import Request, Tally, Wrong


def fail():
    raise OSError("gone")


def check(received):
    if received == "bad":
        raise Wrong("it is bad")
    return type(received).__name__


def test_what_is_received_is_counted_by_kind():
    tally = Tally()
    for ask in (lambda: "good", lambda: "good", lambda: "bad", fail):
        tally.send(Request("some", ask, check, is_good=True))
    tally.send(Request("another", fail, check))

    some, another = tally.results()

    assert (some.kind, some.num_begun, some.num_wrong, some.num_lost) == ("some", 4, 1, 0)
    assert some.received == {"str": 2, "OSError": 1}
    assert another.received == {"OSError": 1}
    assert tally.examples == ["some: it is bad"]


def test_a_request_that_does_not_end_is_lost():
    tally, begun, ended = Tally(), threading.Event(), threading.Event()

    def ask():
        begun.set()
        ended.wait(60)

    thread = threading.Thread(target=tally.send, args=[Request("some", ask, check)])
    thread.start()
    begun.wait(60)
    [meanwhile] = tally.results()
    ended.set()
    thread.join()

    assert (meanwhile.num_begun, meanwhile.num_lost) == (1, 1)
    assert tally.results()[0].num_lost == 0


def test_percentiles(monkeypatch):
    times = iter(range(1000))
    monkeypatch.setattr("time.perf_counter", lambda: next(times) ** 2 / 1000)
    tally = Tally()
    for _ in range(100):
        tally.send(Request("some", fail, check))

    [result] = tally.results()

    # From (2n)² to (2n + 1)² milliseconds: 1, 5, 9, ..., 397.
    assert (round(result.p50_ms), round(result.p99_ms)) == (197, 393)
