"""New versions while requests come."""

import itertools
import shutil
import threading
import time

import httpx2
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from bert_tf.errors import UserError
from bert_tf.serving.local import models
from bert_tf.serving.local.models import ServedModel, VersionStatus
from bert_tf.serving.stored_warmup import WARMUP_FILE, read_warmup
from tests.serving import doubles
from tests.serving.local.running import running


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save(folder, 1)
    return folder


@pytest.fixture
def often(monkeypatch):
    """Looks for versions many times a second."""
    monkeypatch.setattr(models, "_SECONDS_BETWEEN_LOOKS", 0.05)


def save(folder, number):
    doubles.save(folder / str(number), serving_default=doubles.version_of(number))


def ask(address):
    response = httpx2.post(
        f"{address}/v1/models/model:predict", json={"instances": ["a"]}, timeout=60
    )
    assert response.status_code == 200, response.text
    return response.json()["predictions"][0]["version"]


def wait_for(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_no_request_is_lost_when_versions_change(folder, often):
    answers = [[] for _ in range(3)]
    stop = threading.Event()

    def keep_asking(address, versions):
        while not stop.is_set():
            versions.append(ask(address))

    with running("model", folder) as address:
        threads = [
            threading.Thread(target=keep_asking, args=[address, versions])
            for versions in answers
        ]
        for thread in threads:
            thread.start()
        save(folder, 2)
        wait_for(lambda: all(versions and versions[-1] == 2 for versions in answers))
        save(folder, 10)
        wait_for(lambda: all(versions[-1] == 10 for versions in answers))
        shutil.rmtree(folder / "10")
        wait_for(lambda: all(versions[-1] == 2 for versions in answers))
        stop.set()
        for thread in threads:
            thread.join()

    for versions in answers:
        # The first may have gone before a thread came to ask.
        order = [version for version, _ in itertools.groupby(versions)]
        assert order in ([1, 2, 10, 2], [2, 10, 2])


def test_the_version_before_answers_while_the_next_is_loaded(folder, often, monkeypatch):
    loads = threading.Event()

    class SlowModel(models.Model):
        def __init__(self, path, version):
            if version == 2:
                loads.wait(60)
            super().__init__(path, version)

    monkeypatch.setattr(models, "Model", SlowModel)
    with running("model", folder) as address:
        save(folder, 2)
        status = f"{address}/v1/models/model"
        wait_for(lambda: len(httpx2.get(status).json()["model_version_status"]) == 2)
        states = [
            each["state"] for each in httpx2.get(status).json()["model_version_status"]
        ]
        meanwhile = ask(address)
        loads.set()
        wait_for(lambda: ask(address) == 2)
        gone = httpx2.get(f"{status}/versions/1")

    assert states == ["LOADING", "AVAILABLE"]
    assert meanwhile == 1
    assert gone.status_code == 404


def test_a_version_that_cannot_be_loaded_is_told_once_until_it_is_mended(folder, caplog):
    served = ServedModel("model", str(folder))
    (folder / "2").mkdir()
    (folder / "2" / "saved_model.pb").write_bytes(b"half of it")

    served.refresh()
    served.refresh()

    assert served.get("model").version == 1
    newest, current = served.statuses()
    assert (newest.version, newest.state) == (2, "END")
    assert newest.error_message
    assert current == VersionStatus(1, "AVAILABLE")
    assert caplog.text.count("Version 2 cannot be loaded") == 1

    shutil.rmtree(folder / "2")
    served.refresh()
    assert served.statuses() == [VersionStatus(1, "AVAILABLE")]

    save(folder, 2)
    served.refresh()
    assert served.statuses() == [VersionStatus(2, "AVAILABLE")]


def write_warmup(version, **inputs):
    """Of one request to the default signature."""
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = "serving_default"
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    (version / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(version / WARMUP_FILE)) as writer:
        writer.write(log.SerializeToString())


def test_a_version_is_asked_to_warm_up_before_it_answers(folder, monkeypatch):
    save(folder, 2)
    write_warmup(folder / "2", text=["a", "b"])
    asked = []
    monkeypatch.setattr(
        models, "read_warmup", lambda path: asked.extend(read_warmup(path)) or asked
    )

    assert ServedModel("model", str(folder)).get("model").version == 2
    [(name, inputs)] = asked
    assert (name, list(inputs["text"].numpy())) == ("serving_default", [b"a", b"b"])


def test_a_version_that_cannot_be_warmed_up_does_not_answer(folder):
    save(folder, 2)
    write_warmup(folder / "2", txt=["a"])
    served = ServedModel("model", str(folder))

    assert served.get("model").version == 1
    assert [each.state for each in served.statuses()] == ["END", "AVAILABLE"]


def test_what_has_failed_is_tried_again_later(folder, monkeypatch):
    served = ServedModel("model", str(folder))
    save(folder, 2)
    load = models.Model

    def fail(path, version):
        raise tf.errors.ResourceExhaustedError(None, None, "not now")

    monkeypatch.setattr(models, "Model", fail)
    served.refresh()
    monkeypatch.setattr(models, "Model", load)
    served.refresh()
    assert served.get("model").version == 1

    later = time.monotonic() + 60
    monkeypatch.setattr(models.time, "monotonic", lambda: later)
    served.refresh()
    assert served.statuses() == [VersionStatus(2, "AVAILABLE")]


def test_only_folders_with_numbers_are_versions(folder):
    save(folder, 2)
    (folder / "2").rename(folder / "tmp-3")
    (folder / "4").touch()
    (folder / "²").mkdir()

    assert ServedModel("model", str(folder)).get("model").version == 1


def test_the_last_version_stays_when_the_folder_is_gone(folder):
    served = ServedModel("model", str(folder))

    shutil.rmtree(folder)
    served.refresh()

    assert served.get("model").version == 1


def test_a_folder_that_cannot_be_read_for_a_moment(folder, often, monkeypatch, caplog):
    served = ServedModel("model", str(folder))
    save(folder, 2)
    find = models.versions_in
    failures = [tf.errors.PermissionDeniedError(None, None, "not now")]

    def find_later(path):
        if failures:
            raise failures.pop()
        return find(path)

    monkeypatch.setattr(models, "versions_in", find_later)
    stop = threading.Event()
    thread = threading.Thread(target=served.watch, args=[stop])
    thread.start()
    wait_for(lambda: served.get("model").version == 2)
    stop.set()
    thread.join()

    assert caplog.text.count("Cannot look for versions: not now") == 1


@pytest.mark.parametrize("name", ["nothing", "model/1", "empty"])
def test_a_folder_without_versions(folder, name):
    (folder.parent / "empty").mkdir()

    with pytest.raises(UserError, match="SavedModel in a numbered folder such as 1"):
        ServedModel("model", str(folder.parent / name))


def test_why_no_version_could_be_loaded(tmp_path):
    (tmp_path / "1").mkdir()

    with pytest.raises(UserError, match="No such file"):
        ServedModel("model", str(tmp_path))
