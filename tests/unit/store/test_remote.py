"""A store behind a URL does what one in a folder does."""

import os
import threading
import time

import pytest

from lensbench.errors import StoreError
from lensbench.store import open_store


@pytest.fixture(params=["file", "memory", "s3"])
def url(request, tmp_path, monkeypatch):
    """Of an empty store."""
    if request.param == "file":
        yield f"file://{tmp_path}/far"
    elif request.param == "memory":
        yield f"memory://{tmp_path.name}"
    else:
        yield from served_bucket(monkeypatch, tmp_path.name.strip("_").replace("_", "-"))


def served_bucket(monkeypatch, bucket):
    """A bucket of a server on this machine."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir(bucket)
    yield f"s3://{bucket}/store"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


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


def test_a_url_that_makes_no_sense_is_told():
    """One line, with what to do."""
    with pytest.raises(StoreError, match="nowhere"):
        open_store("nowhere://bucket")
    assert os.environ.get("LENSBENCH_CACHE") is None
