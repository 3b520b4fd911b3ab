"""The recipe for Kubernetes, as far as a machine without a cluster can tell."""

import pathlib
import subprocess

import pytest
import yaml

from bert_tf.training.strategy import read_tf_config

RECIPE = pathlib.Path(__file__).parents[2] / "deploy/kubernetes/pretrain.yaml"


@pytest.fixture(scope="module")
def recipe():
    documents = list(yaml.safe_load_all(RECIPE.read_text()))
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="module")
def container(recipe):
    (container,) = recipe["Job"]["spec"]["template"]["spec"]["containers"]
    return container


def test_each_worker_is_told_who_it_is(container):
    script = container["args"][0].replace("exec python -m bert_tf.pretrain", "exec echo")
    script = script.replace("exec echo", 'printf %s "$TF_CONFIG"; exit; echo', 1)
    said = subprocess.run(
        [*container["command"], script],
        env={"NUM_WORKERS": "3", "JOB_COMPLETION_INDEX": "2", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    config = read_tf_config(said)
    assert config["cluster"]["worker"] == [
        f"pretrain-{index}.pretrain:2222" for index in range(3)
    ]
    assert config["task"]["index"] == 2


def test_the_names_fit_together(recipe, container):
    job, service = recipe["Job"], recipe["Service"]
    spec = job["spec"]
    number = {variable["name"]: variable["value"] for variable in container["env"]}
    assert spec["completions"] == spec["parallelism"] == int(number["NUM_WORKERS"])
    assert spec["template"]["spec"]["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    assert "pretrain-$index.pretrain:2222" in container["args"][0]


def test_the_flags_are_the_programs(container):
    script = container["args"][0]
    assert "--config=configs/classic.py:base" in script
    assert (RECIPE.parents[2] / "configs/classic.py").exists()
