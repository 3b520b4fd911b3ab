"""The files for TF Serving, each against its schema."""

import pathlib
import re

import pytest
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,  # noqa: F401  a type of fields below
)
from tensorflow_serving.config import model_server_config_pb2

from bert_tf.serving.warmup import BATCH_SIZES, BATCHING_PARAMS

FOLDER = pathlib.Path(__file__).parents[2] / "deploy/tf_serving"
README = FOLDER.parents[1] / "README.md"
PROVEN_IN = FOLDER.parents[1] / "tests/serving/tensorflow-2.20.txt"
_INT64 = ".google.protobuf.Int64Value"


def message_type(name, fields, inner=()):
    """A message of the server's that tensorflow-serving-api does not have.

    Args:
        name: of the message.
        fields: name, number, type and whether it is repeated, of each.
        inner: other messages of the file, such as this one.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{name}.proto",
        package="made",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for message, its_fields in (*inner, (name, fields)):
        proto = file.message_type.add(name=message)
        for field, number, kind, repeated in its_fields:
            added = proto.field.add(name=field, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                added.type, added.type_name = 11, kind
            else:
                added.type = kind
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"made.{name}"))


# session_bundle_config.proto and monitoring_config.proto of tensorflow/serving.
BatchingParameters = message_type(
    "BatchingParameters",
    [
        ("max_batch_size", 1, _INT64, False),
        ("batch_timeout_micros", 2, _INT64, False),
        ("max_enqueued_batches", 3, _INT64, False),
        ("num_batch_threads", 4, _INT64, False),
        ("allowed_batch_sizes", 6, 3, True),
        ("pad_variable_length_inputs", 7, 8, False),
    ],
)
MonitoringConfig = message_type(
    "MonitoringConfig",
    [("prometheus_config", 1, ".made.PrometheusConfig", False)],
    inner=[("PrometheusConfig", [("enable", 1, 8, False), ("path", 2, 9, False)])],
)


def test_models():
    config = text_format.Parse(
        (FOLDER / "models.config").read_text(),
        model_server_config_pb2.ModelServerConfig(),
    )

    (model,) = config.model_config_list.config
    assert set(model.version_labels) == {"stable", "canary"}
    versions = model.model_version_policy.specific.versions
    assert set(model.version_labels.values()) == set(versions)
    assert model.base_path == f"/models/{model.name}"


def test_monitoring():
    config = text_format.Parse(
        (FOLDER / "monitoring.config").read_text(), MonitoringConfig()
    )

    assert config.prometheus_config.enable
    assert config.prometheus_config.path in (FOLDER / "serving.yaml").read_text()


def test_batching():
    config = text_format.Parse(BATCHING_PARAMS, BatchingParameters())

    assert (
        config.max_batch_size.value == config.allowed_batch_sizes[-1] == BATCH_SIZES[-1]
    )
    assert list(config.allowed_batch_sizes) == sorted(BATCH_SIZES)
    assert not config.pad_variable_length_inputs


@pytest.fixture(scope="module")
def recipe():
    documents = yaml.safe_load_all((FOLDER / "serving.yaml").read_text())
    return {document["kind"]: document for document in documents}


def test_probes_and_ports_fit_together(recipe):
    pod = recipe["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert f"--port={ports['grpc']}" in container["args"]
    assert f"--rest_api_port={ports['rest']}" in container["args"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v1/models/mine", "port": "rest"}
    assert container["livenessProbe"]["grpc"] == {"port": ports["grpc"]}
    assert "--enable_grpc_healthcheck_service" in container["args"]
    assert recipe["Service"]["spec"]["selector"] == pod["metadata"]["labels"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_the_server_is_of_a_release_that_exports_are_proven_in():
    """Servers follow TensorFlow's releases by months: the one before ours has one."""
    (tensorflow,) = re.findall(r"^tensorflow-cpu==(\S+)$", PROVEN_IN.read_text(), re.M)
    for file in (FOLDER / "serving.yaml", FOLDER / "README.md", README):
        assert set(re.findall(r"tensorflow/serving:(\S+)", file.read_text())) == {
            tensorflow
        }
