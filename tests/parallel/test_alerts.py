"""Tests of what a rank's guardian reads of it, and tells rank 0."""

import json
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.cli.guardian import _alert
from landscape_cli.parallel import last_words
from landscape_cli.parallel.alerts import Alerts
from support.processes import in_background


@pytest.fixture
def alerts():
    alerts = Alerts(["here", "here"])
    yield alerts
    alerts.close()


def hear(alerts):
    """Return what is heard next; called while somebody waits for an answer."""
    while not (text := alerts.heard()):
        pass
    return text


def test_an_alert_is_heard_and_answered(alerts):
    assert alerts.heard() == ""
    with in_background(lambda: _alert("rank 1 is gone", alerts.address)) as answer:
        assert hear(alerts) == "rank 1 is gone"
    assert answer.result() is True


def test_an_alert_that_nobody_hears_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    assert _alert("gone", ("127.0.0.1", port, "token")) is False
    assert _alert("gone", None) is False


@given(content=st.binary(max_size=100) | st.just(json.dumps(["0" * 32, "false"]).encode()))
def test_strangers_are_not_heard(alerts, content):
    with socket.create_connection(alerts.address[:2]) as stranger:
        stranger.sendall(content + b"\n")
        stranger.shutdown(socket.SHUT_WR)
        assert alerts.heard() == ""


def test_only_this_host_is_listened_to_if_all_ranks_are_there(alerts):
    assert alerts._socket.getsockname()[0] == "127.0.0.1"
    assert alerts.address[0] == "127.0.0.1"
    distant = Alerts(["here", "there"])
    assert distant.address[0] == "here"
    distant.close()


@pytest.fixture
def shared():
    last_words.share()
    yield
    last_words._memory = None
    last_words._facts.clear()


def test_last_words_outlive_the_process_that_said_them(shared):
    if not (child := os.fork()):
        last_words.say(what="at (0, 0)", address=("a", 1))
        last_words.say(what="at (1, 0)")
        os._exit(0)
    os.waitpid(child, 0)
    assert last_words.heard() == {"what": "at (1, 0)", "address": ["a", 1]}


def test_last_words_that_are_too_long_or_torn_do_no_harm(shared):
    last_words.say(what="x" * 10_000)
    assert last_words.heard() == {}
    last_words._memory[:6] = b'{"wha\0'
    assert last_words.heard() == {}


def test_nothing_is_kept_without_a_guardian():
    last_words.say(what="alone")
    assert last_words.heard() == {}
