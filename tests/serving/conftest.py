import contextlib
import fcntl
import pathlib
import shutil

import pytest

from bert_tf.serving.export_lib import export
from bert_tf.tasks.registry import TASKS
from tests.serving.made_runs import write_run


@pytest.fixture(scope="session")
def version_dirs(tmp_path_factory, worker_id):
    """Verified exports by task, each made when it is asked for, once for all workers.

    Its run is beside the folder of versions, under the task's name.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def get(task):
        folder = shared / "exports" / task
        with locked(shared / f"{task}.lock"):
            if not (folder / "export" / "1").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                export(write_run(folder, task), str(folder / "export"), verify=True)
        return str(folder / "export" / "1")

    return get


@contextlib.contextmanager
def locked(path: pathlib.Path):
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=TASKS)
def version_dir(version_dirs, request):
    """The export of each task."""
    return version_dirs(request.param)
