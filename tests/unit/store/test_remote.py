"""A store behind a URL does what one in a folder does."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lensbench.errors import StoreError
from lensbench.store import open_store


@pytest.fixture(scope="module")
def server():
    """Address of a server of buckets on this machine."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    serving = moto.ThreadedMotoServer(port=0, verbose=False)
    serving.start()
    yield "http://{}:{}".format(*serving.get_host_and_port())
    serving.stop()


@pytest.fixture(params=["file", "memory", "s3"])
def url(request, tmp_path, monkeypatch):
    """Of an empty store."""
    if request.param == "file":
        yield f"file://{tmp_path}/far"
    elif request.param == "memory":
        yield f"memory://{tmp_path.name}"
    else:
        bucket = tmp_path.name.strip("_").replace("_", "-")
        yield from served_bucket(monkeypatch, bucket, request.getfixturevalue("server"))


def served_bucket(monkeypatch, bucket, address):
    """A bucket of a server."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": address, "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir(bucket)
    yield f"s3://{bucket}/store"
    s3fs.S3FileSystem.clear_instance_cache()


def put(store, key="k", text="hello"):
    with store.writing("things", key, ".txt", {"made": "here"}, {"seconds": 2.0}) as path:
        path.write_text(text)


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


def test_another_machine_finds_what_was_written(url):
    """File, description and cost, through nothing but the URL."""
    here, there = open_store(url), open_store(url)
    assert there.find("things", "k") is None
    put(here)
    assert there.find("things", "k").read_text() == "hello"
    assert there.describe("things", "k")["from"] == {"made": "here"}
    assert there.cost("things", "k") == {"seconds": 2.0}
    assert there.stored("things") == {"k"}
    there.remove("things", "k")
    assert open_store(url).find("things", "k") is None


def test_damage_on_the_way_is_noticed(url):
    """Bytes that are not those of the description count as absent, with a warning."""
    here = open_store(url)
    put(here)
    here._fs.pipe_file(here._path("things", "k.txt"), b"hellp")
    with pytest.warns(UserWarning, match="damaged"):
        assert open_store(url).find("things", "k") is None
    put(here)
    assert open_store(url).find("things", "k") is not None


def test_a_claim_is_held_by_one(url):
    """The other waits until it is given back."""
    order = []

    def second():
        with open_store(url).claim("things", "k"):
            order.append("second")

    with open_store(url).claim("things", "k"):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(1.2)
        order.append("first")
    waiting.join(20)
    assert order == ["first", "second"]


def test_of_many_one_makes_an_object(url):
    """Whatever the file system, creating a claim is exclusive."""
    from lensbench.store.far_claims import _create

    store = open_store(url)
    path = store._path("claims", "contested")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda name: _create(store._fs, path, name), "abcdefgh"))
    assert sum(won) == 1
    assert store._fs.cat_file(path).decode()[0] == "abcdefgh"[won.index(True)]


def test_a_url_that_makes_no_sense_is_told():
    """One line, with what to do."""
    with pytest.raises(StoreError) as caught:
        open_store("nowhere://bucket")
    assert caught.value.message.startswith(
        "the store 'nowhere://bucket' cannot be used: ValueError: Protocol not known"
    )
    assert caught.value.hint == (
        "see the settings of fsspec for this kind of URL, or name a folder with --store"
    )
    assert os.environ.get("LENSBENCH_CACHE") is None


def test_a_store_of_another_form_is_refused(tmp_path):
    """One of a newer format, and one that was begun as a folder, whose claims are locks."""
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "store.json").write_text('{"format": 99, "claims": "objects"}')
    with pytest.raises(StoreError) as caught:
        open_store(f"file://{newer}")
    assert f"'file://{newer}' has format 99, this lensbench knows " in caught.value.message
    assert "update lensbench" in caught.value.hint
    open_store(str(tmp_path / "folder"))
    with pytest.raises(StoreError) as caught:
        open_store(f"file://{tmp_path}/folder")
    assert "was begun as a folder and keeps its claims as locks" in caught.value.message
    assert f"name it by its path here too, {tmp_path}/folder" in caught.value.hint


def test_what_was_made_twice_stays_what_it_was_first(url):
    """Another maker of the same key, who lost its claim, reads what is there."""
    first, second = open_store(url), open_store(url)
    with second.writing("records", "k", ".txt", {"made": "here"}, {"seconds": 9.0}) as path:
        path.write_text("late")
        with first.writing("records", "k", ".txt", {"made": "here"}, {"seconds": 2.0}) as early:
            early.write_text("early")
    assert second.find("records", "k").read_text() == "early"
    assert open_store(url).cost("records", "k") == {"seconds": 2.0}


def test_a_damaged_copy_here_is_fetched_again(url, monkeypatch, tmp_path):
    """Nothing is made anew while it is whole there."""
    monkeypatch.setenv("LENSBENCH_CACHE", str(tmp_path / "cache"))
    here = open_store(url)
    put(here)
    here.find("things", "k").write_text("hellp")
    assert here.find("things", "k").read_text() == "hello"


def test_a_sweep_is_watched_from_another_machine(url):
    """State, lines and logs of the journal, by the URL alone; a second sweep goes on with it."""
    from lensbench.store.journal import Journal, find_journal, mean_costs

    here = Journal(open_store(url), "abc")
    here.begin("name = 1", ["a"])
    here.note({"key": "a", "like": "x", "state": "done", "seconds": 2.0})
    here.write_state({"state": "stopped", "at": 5.0})
    there = open_store(url)
    found = find_journal(there, "a")
    assert found.state() == {"state": "stopped", "at": 5.0}
    assert [line["key"] for line in found.lines()] == ["a"]
    again = Journal(there, "abc")
    again.begin("name = 1", ["a"])
    again.note({"key": "b", "like": "x", "state": "done", "seconds": 4.0})
    again.write_state({"state": "finished", "at": 6.0})
    assert mean_costs(open_store(url)) == {"x": 3.0}


def test_care_needs_nothing_but_the_url(url, tmp_path):
    """Listed with its size, verified and exported from a machine that never saw it."""
    from lensbench.store.care import artefacts, damaged, export

    here = open_store(url)
    with here.writing("runs", "r", ".txt", {"inputs": {"records": ["k"]}}) as path:
        path.write_text("run")
    with here.writing("records", "k", ".txt", {}) as path:
        path.write_text("hello")
    assert {(one.kind, one.size) for one in artefacts(open_store(url))} == {
        ("runs", 3), ("records", 5)
    }  # fmt: skip
    assert damaged(open_store(url)) == []
    export(open_store(url), "r", tmp_path / "exported", False)
    assert (tmp_path / "exported" / "records" / "k.txt").read_text() == "hello"
