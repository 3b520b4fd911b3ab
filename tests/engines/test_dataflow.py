"""The job on Google Cloud Dataflow, as far as it can be seen without Google Cloud.

The job is staged to an emulated Cloud Storage as the launcher of a flex template has it
staged; what the service would then run is run by Beam's local runner.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from apache_beam.options import pipeline_options
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.transforms import environments
from google.cloud import dataflow_v1beta3
from google.protobuf import json_format

from bert_tf import errors
from pipelines import beam_options
from tests.engines import object_stores

REPOSITORY = pathlib.Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy" / "dataflow"
IMAGE = "europe-docker.pkg.dev/my-project/bert/bert_tf:1"

# The documents are moved once, and nothing else is that grows with the text.
STEPS = {
    "Ranges",
    "SpreadRanges",
    "TokenizeText",
    "SumTokens",
    "CountBadDocuments",
    "Once",
    "PlanBuckets",
    "SplitByBucket",
    "EmptyParts",
    "Parts",
    "GroupByBucket",
    "MakeShards",
    "SumStatistics",
    "Once0",
    "FinishDataset0",
}
GROUP_BY_KEYS = {
    "SpreadRanges/ReshufflePerKey/GroupByKey",
    "SumTokens/GroupByKey",
    "CountBadDocuments/CombineGlobally(CountCombineFn)/CombinePerKey/GroupByKey",
    "GroupByBucket",
    "SumStatistics/GroupByKey",
}


def beam_flags(store, **changes):
    flags = {
        "runner": "DataflowRunner",
        "project": "my-project",
        "region": "europe-west4",
        "temp_location": f"{store.root}/temp",
        "staging_location": f"{store.root}/staging",
        "template_location": f"{store.root}/staging/job_object",
        "sdk_container_image": IMAGE,
        "sdk_location": "container",
        "number_of_worker_harness_threads": 1,
        "machine_type": "n2-highmem-2",
        "max_num_workers": 50,
    } | changes
    given = {flag: value for flag, value in flags.items() if value is not None}
    return ["--no_auth", *(f"--{flag}={value}" for flag, value in given.items())]


@pytest.fixture(scope="module")
def staged(gcs):
    """The job that was staged, and the objects that were there then."""
    object_stores.create(gcs.root, f"{gcs.root}/data", beam_flags=beam_flags(gcs))
    objects = gcs.list()
    return json.loads(objects["staging/job_object"]), objects


@pytest.fixture(scope="module")
def graph(gcs, staged):
    job, objects = staged
    url = job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]
    content = objects[url.removeprefix(f"{gcs.root}/")]
    return beam_runner_api_pb2.Pipeline.FromString(content)


def test_the_output_is_left_to_the_job(staged):
    _, objects = staged
    assert {name.split("/")[0] for name in objects} == {"text", "vocab.txt", "staging"}


def test_a_machine_runs_a_process_of_one_thread_for_each_of_its_cores(staged):
    job, _ = staged
    (pool,) = job["environment"]["workerPools"]
    assert pool["numThreadsPerWorker"] == 1
    assert pool["machineType"] == "n2-highmem-2"
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 50
    (image,) = pool["sdkHarnessContainerImages"]
    assert image["containerImage"] == IMAGE
    assert image["useSingleCorePerContainer"] is True
    assert "use_multiple_sdk_containers" in job["environment"]["experiments"]


def test_workers_run_the_image_and_install_nothing(graph):
    (environment,) = graph.components.environments.values()
    assert environment.urn == common_urns.environments.DOCKER.urn
    assert IMAGE.encode() in environment.payload
    staged = [
        beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(
            artifact.role_payload
        ).staged_name
        for artifact in environment.dependencies
    ]
    # A list, for people.
    assert staged == ["submission_environment_dependencies.txt"]


def test_documents_are_moved_once(graph):
    transforms = graph.components.transforms.values()
    (root_id,) = graph.root_transform_ids
    root = graph.components.transforms[root_id]
    steps = [graph.components.transforms[each].unique_name for each in root.subtransforms]
    assert set(steps) == STEPS
    group_by_key = common_urns.primitives.GROUP_BY_KEY.urn
    found = [each.unique_name for each in transforms if each.spec.urn == group_by_key]
    assert set(found) == GROUP_BY_KEYS


@pytest.mark.slow
def test_what_is_staged_writes_the_bytes_of_a_local_run(gcs, graph, tmp_path):
    local = environments.EmbeddedPythonEnvironment.default().to_runner_api(None)
    for environment in graph.components.environments.values():
        environment.CopyFrom(local)
    fn_runner.FnApiRunner().run_via_runner_api(
        graph, pipeline_options.PipelineOptions([])
    ).wait_until_finish()

    expected = object_stores.local_shards(tmp_path)
    assert len(expected) == 3
    objects = gcs.list()
    assert {name: objects[f"data/{name}"] for name in expected} == expected
    assert "data/manifest.json" in objects


@pytest.mark.parametrize(
    ("arguments", "flags", "message"),
    [
        ({"output": "data"}, {}, "--output: expected a path that Dataflow's workers can"),
        ({}, {"project": None}, "--runner=DataflowRunner needs, .* option: project"),
        ({}, {"job_name": "Not_so"}, r"Invalid job_name \(Not_so\)"),
    ],
)
def test_a_mistake_is_told_before_anything_is_removed(gcs, arguments, flags, message):
    gcs.put("old/train-00000-of-00001.tfrecord", b"")
    arguments = {"output": f"{gcs.root}/old", "overwrite": True} | arguments
    with pytest.raises(errors.UserError, match=message):
        object_stores.create(gcs.root, beam_flags=beam_flags(gcs, **flags), **arguments)
    assert "old/train-00000-of-00001.tfrecord" in gcs.list()


def test_a_text_on_this_machine_is_refused(gcs, tmp_path):
    object_stores.put_locally(tmp_path)
    with pytest.raises(errors.UserError, match="--input: expected a path that Dataflow"):
        object_stores.create(tmp_path, f"{gcs.root}/data", beam_flags=beam_flags(gcs))


def test_a_job_that_is_not_waited_for_is_not_judged(tmp_path):
    object_stores.put_locally(tmp_path)
    (tmp_path / "text/c.txt").write_bytes(b"\xff")
    no_wait = ["--no_wait_until_finish"]
    object_stores.create(tmp_path, tmp_path / "data", beam_flags=no_wait)
    assert (tmp_path / "data/dead_letter.jsonl").exists()
    assert not (tmp_path / "data/manifest.json").exists()

    with pytest.raises(errors.UserError, match="received --no_wait_until_finish or"):
        object_stores.create(
            tmp_path, tmp_path / "other", beam_flags=no_wait, shuffle="files"
        )
    assert not (tmp_path / "other").exists()


# --- What is deployed --------------------------------------------------------------

# Those of the program that would not do in a template: there is no shared disk, and
# nobody reads what a dry run tells.
NOT_IN_TEMPLATE = {"shuffle", "dry_run"}
OF_BEAM = {"sdk_container_image": True, "number_of_worker_harness_threads": False}
PARAM_TYPES = {
    "bool": "BOOLEAN",
    "int": "NUMBER",
    "float": "NUMBER",
    "string": "TEXT",
    "string enum": "ENUM",
    "comma separated list of strings": "TEXT",
    "output": "GCS_WRITE_FOLDER",
    "vocab_file": "GCS_READ_FILE",
}
REGEXES = {
    "bool": "^(true|false)$",
    "int": "^-?[0-9]+$",
    "int from 0": "^[0-9]+$",
    "int from 1": "^[1-9][0-9]*$",
    "float": r"^[0-9]*\.?[0-9]+$",
    "comma separated list of strings": "^[0-9]+(,[0-9]+)*$",
    "string": "^.+$",
    "input": "^gs://[^,]+(,gs://[^,]+)*$",
    "output": "^gs://.+$",
    "vocab_file": "^gs://.+$",
}
# Not in this process, where other programs have flags of the same names.
PRINT_FLAGS = """
import json
from absl import flags
import pipelines.create_pretraining_data as program

print(json.dumps([
    {
        "name": flag.name,
        "type": flag.flag_type(),
        "default": flag.default_as_str and flag.default_as_str.strip("'"),
        "help": flag.help,
        "choices": getattr(flag.parser, "enum_values", None),
        "lower_bound": getattr(flag.parser, "lower_bound", None),
        "is_required": any(not each.checker(None) for each in flag.validators),
    }
    for flag in flags.FLAGS.flags_by_module_dict()[program.__name__]
]))
"""


def parameter_of(flag):
    """What the template has to tell of a flag, but for a label."""
    kind = flag["type"]
    if flag["lower_bound"] is not None:
        kind += f" from {flag['lower_bound']}"
    parameter = {
        "name": flag["name"],
        "helpText": flag["help"].removeprefix(f"<{'|'.join(flag['choices'] or ())}>: "),
        "paramType": PARAM_TYPES.get(flag["name"]) or PARAM_TYPES[flag["type"]],
    }
    if not flag["is_required"]:
        parameter["isOptional"] = True
    if flag["default"]:
        parameter["defaultValue"] = flag["default"]
    if flag["choices"]:
        parameter["enumOptions"] = [{"value": choice} for choice in flag["choices"]]
    else:
        parameter["regexes"] = [REGEXES.get(flag["name"]) or REGEXES[kind]]
    return parameter


def run_python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def program_flags():
    return json.loads(run_python("-c", PRINT_FLAGS))


@pytest.fixture(scope="module")
def metadata():
    return json.loads((DEPLOY / "metadata.json").read_text())


def test_the_template_has_the_flags_of_the_program(metadata, program_flags):
    parameters = {each["name"]: each for each in metadata["parameters"]}
    of_beam = {name: parameters.pop(name) for name in OF_BEAM}
    assert all(each.pop("label") for each in parameters.values())
    expected = [
        parameter_of(flag)
        for flag in program_flags
        if flag["name"] not in NOT_IN_TEMPLATE
    ]
    assert list(parameters.values()) == expected
    for name, is_required in OF_BEAM.items():
        assert of_beam[name].get("isOptional", False) is not is_required
        beam_options.pipeline_options(["program", f"--{name}=1"])


def test_the_command_of_the_readme_has_flags_that_exist(program_flags):
    readme = (DEPLOY / "README.md").read_text()
    (command,) = re.findall(r"```sh\n(python -m .*?)```", readme, re.S)
    given = re.findall(r"--\S+", command)
    own = tuple(f"--{flag['name']}=" for flag in program_flags)
    of_beam = [flag for flag in given if not flag.startswith(own)]
    assert len(given) > len(of_beam) > 5
    beam_options.pipeline_options(["program", *of_beam])


def test_google_cloud_understands_the_template(metadata):
    json_format.ParseDict(metadata, dataflow_v1beta3.TemplateMetadata.pb()())


def test_the_template_refuses_what_the_program_would_refuse(metadata):
    patterns = {each["name"]: each.get("regexes") for each in metadata["parameters"]}
    for name, value, is_good in [
        ("input", "gs://bucket/a*.txt,gs://other/b.txt", True),
        ("input", "gs://bucket/a*.txt,b.txt", False),
        ("output", "data", False),
        ("max_seq_length", "128,512", True),
        ("max_seq_length", "128,", False),
        ("masked_lm_prob", ".15", True),
        ("masked_lm_prob", "15%", False),
        ("num_buckets", "0", False),
        ("max_bad_documents", "0", True),
    ]:
        (pattern,) = patterns[name]
        assert bool(re.search(pattern, value)) is is_good, (name, value)
    for each in metadata["parameters"]:
        if "defaultValue" in each and "regexes" in each:
            assert re.search(*each["regexes"], each["defaultValue"]), each["name"]


@pytest.fixture(scope="module")
def dockerfile():
    return (DEPLOY / "Dockerfile").read_text()


def test_the_image_has_the_versions_that_are_tested(dockerfile, graph):
    (image,) = re.findall(r"^FROM (\S+)$", dockerfile, re.M)
    (environment,) = graph.components.environments.values()
    # What a job says that is staged with this Python and this Beam.
    assert f"beam:version:sdk_base:{image}" in environment.capabilities
    constraints = (REPOSITORY / "constraints.txt").read_text().split()
    assert f"apache-beam=={image.partition(':')[2]}" in constraints
    python = "python{}{}".format(*sys.version_info[:2])
    assert f"/{python}-template-launcher-base:" in dockerfile


def test_the_image_has_what_it_installs_and_starts(dockerfile):
    sources = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.M)
        for source in line.split()
    }
    let_through = re.findall(
        r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M
    )
    assert sources == set(let_through)
    assert all((REPOSITORY / source).exists() for source in sources)
    (program,) = re.findall(r"PY_FILE=/template/(\S+)$", dockerfile, re.M)
    assert "--vocab_file" in run_python(program, "--helpfull")
