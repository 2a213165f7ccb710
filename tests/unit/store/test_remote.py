"""A store behind a URL does what one in a folder does."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": address,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir(bucket)
    yield f"s3://{bucket}/store"
    s3fs.S3FileSystem.clear_instance_cache()


def put(store, key="k", text="hello"):
    with store.writing("things", key, ".txt", {"made": "here"}, {"seconds": 2.0}) as path:
        path.write_text(text)


class Refusing:
    """A file system where no file is read or written."""

    def __init__(self, of):
        self.of = of

    def __getattr__(self, name):
        return getattr(self.of, name)

    def get_file(self, *_):
        raise PermissionError("no entry")

    put_file = get_file


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
    assert [name for name in there._fs.find(there._path("things")) if "/k." in name] == []


def test_size_and_time_are_those_of_the_file_there(url):
    """Nothing and the beginning of time of what is absent."""
    here, before = open_store(url), time.time()
    assert here.measure("things", "k") == (0, 0.0)
    put(here, text="")
    put(here, "other")
    there = open_store(url)
    size, made = there.measure("things", "other")
    assert size == 5 and before - 2 < made < time.time() + 2
    assert there.measure("things", "k")[0] == 0


def test_time_is_of_the_last_change(tmp_path):
    """Not of the file's birth or status."""
    store = open_store(f"file://{tmp_path}/far")
    put(store)
    os.utime(tmp_path / "far" / "things" / "k.txt", (1e9, 1e9))
    assert store.measure("things", "k") == (5, 1e9)


def test_what_is_here_and_whole_is_not_fetched_again(url):
    """It is found, described and known to be intact where nothing can be fetched any more."""
    there = open_store(url)
    put(open_store(url))
    assert there.find("things", "k") is not None
    there._fs.rm(there._path("things"), recursive=True)
    assert there.find("things", "k").read_text() == "hello"
    assert there.describe("things", "k")["from"] == {"made": "here"}
    assert there.intact("things", "k")


def test_what_goes_there_meanwhile_can_be_removed(url):
    """By somebody else: nothing is told."""
    here = open_store(url)
    put(here)
    here._fs.rm(here._path("things"), recursive=True)
    here.remove("things", "k")
    assert here.find("things", "k") is None


def test_files_are_kept_in_the_cache_that_is_named(tmp_path, monkeypatch):
    """Folders that are not there yet are made."""
    monkeypatch.setenv("LENSBENCH_CACHE", str(tmp_path / "a" / "cache"))
    put(open_store(f"file://{tmp_path}/far"))
    monkeypatch.setenv("LENSBENCH_CACHE", str(tmp_path / "b" / "cache"))
    path = open_store(f"file://{tmp_path}/far").find("things", "k")
    assert path == tmp_path / "b" / "cache" / "things" / "k.txt"


@pytest.mark.parametrize("kept", [True, False])
def test_a_cache_that_nobody_named_goes_with_the_process(tmp_path, kept):
    """It is in the folder for temporary files; one that is named stays."""
    code = "from lensbench.store import open_store; print(open_store('memory://x').root)"
    named = {"LENSBENCH_CACHE": str(tmp_path / "named")} if kept else {}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path), **named},
        capture_output=True,
        text=True,
        check=True,
    )
    folder = Path(done.stdout.strip())
    assert folder.is_relative_to(tmp_path)
    assert folder.exists() == kept


def test_what_keeps_it_from_being_used_is_told(url):
    """In the words of the file system, of what is fetched and of what is sent."""
    here, there = open_store(url), open_store(url)
    put(here)
    there._fs = Refusing(there._fs)
    for act in (lambda: there.find("things", "k"), lambda: put(there, "other")):
        with pytest.raises(StoreError, match="cannot be used: PermissionError: no entry"):
            act()


def test_damage_on_the_way_is_noticed(url):
    """Bytes that are not those of the description count as absent, with a warning."""
    here = open_store(url)
    put(here)
    here._fs.pipe_file(here._path("things", "k.txt"), b"hellp")
    with pytest.warns(UserWarning, match="damaged"):
        assert open_store(url).find("things", "k") is None
    put(here)
    assert open_store(url).find("things", "k") is not None


def test_what_is_damaged_there_is_made_anew(url):
    """Also of the kinds of which the first that was sent stays, as what was found whole does."""
    here = open_store(url)
    for text in ("hello", "later"):
        with here.writing("records", "k", ".txt", {}) as path:
            path.write_text(text)
        assert here.find("records", "k").read_text() == "hello"
    here._fs.pipe_file(here._path("records", "k.txt"), b"hellp")
    there = open_store(url)
    with pytest.warns(UserWarning, match="damaged"):
        assert there.find("records", "k") is None
    with there.writing("records", "k", ".txt", {}) as path:
        path.write_text("anew")
    assert open_store(url).find("records", "k").read_text() == "anew"


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
    waiting.join(600)
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


def test_a_text_that_was_cut_off_is_read(url, tmp_path):
    """In UTF-8; what is left of half a letter is marked."""
    for store in (open_store(str(tmp_path / "folder")), open_store(url)):
        path = store.root / "log.txt"
        path.write_bytes("σ, σ".encode()[:-1])
        store.share(path)
        assert store.read_text(path) == "σ, \ufffd"
        assert store.read_text(store.root / "absent.txt") is None


def test_a_sweep_is_watched_from_another_machine(url):
    """State, lines and logs of the journal, by the URL alone; a second sweep goes on with it."""
    from lensbench.store.journal import Journal, find_journal, mean_costs

    here = Journal(open_store(url), "abc")
    here.begin("name = 1", ["a"])
    here.write_state({"state": "running", "at": 4.0})
    log = here.log("a", "printed").relative_to(here.folder)
    here.note({"key": "a", "like": "x", "state": "done", "seconds": 2.0})
    here.write_state({"state": "stopped", "at": 5.0})
    there = open_store(url)
    found = find_journal(there, "a")
    assert found.state() == {"state": "stopped", "at": 5.0}
    assert [line["key"] for line in found.lines()] == ["a"]
    assert there.read_text(found.folder / log) == "printed"
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
        ("runs", 3),
        ("records", 5),
    }
    assert damaged(open_store(url)) == []
    export(open_store(url), "r", tmp_path / "exported", False)
    assert (tmp_path / "exported" / "records" / "k.txt").read_text() == "hello"
