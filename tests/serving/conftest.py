import pytest

from bert_tf.serving.export_lib import export
from bert_tf.tasks.registry import TASKS
from tests.serving.made_runs import write_run


@pytest.fixture(scope="session")
def version_dirs(tmp_path_factory):
    """Exports by task, each made when it is asked for."""
    made = {}

    def get(task):
        if task not in made:
            folder = tmp_path_factory.mktemp(task)
            made[task] = export(write_run(folder, task), str(folder / "export"))
        return made[task]

    return get


@pytest.fixture(params=TASKS)
def version_dir(version_dirs, request):
    """The export of each task."""
    return version_dirs(request.param)
