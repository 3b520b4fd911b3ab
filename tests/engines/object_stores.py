"""Object stores on this machine, and the job reading from and writing to them."""

import contextlib
import dataclasses
import os
from collections.abc import Callable

import boto3
import pytest
from apache_beam.internal.gcp import auth
from gcp_storage_emulator.server import create_server
from google.cloud import storage
from moto.server import ThreadedMotoServer

from bert_tf import config
from pipelines import beam_options, pretraining_job, sources, transforms
from pipelines.pretraining_graph import PretrainingJob
from tests import made_documents

BUCKET = "corpus"
TEXT = b"\n\n".join(document.text for document in made_documents.make_documents(60))
CONFIG = config.PretrainingDataConfig(
    max_seq_length=16, max_predictions_per_seq=3, dupe_factor=1, held_out_fraction=0.2
)


@dataclasses.dataclass(frozen=True)
class ObjectStore:
    """A store with one bucket, looked at without Beam."""

    root: str  # the bucket's address
    beam_flags: tuple[str, ...]
    put: Callable[[str, bytes], None]
    list: Callable[[], dict[str, bytes]]  # the content of each object by its name


@contextlib.contextmanager
def google_cloud_storage():
    """Runs an emulator of Google Cloud Storage; yields an ObjectStore."""
    with (
        create_server("localhost", 0, in_memory=True, default_bucket=BUCKET) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        port = server._api._httpd.server_port
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://localhost:{port}")
        # As if Beam had looked for credentials, which takes it half a minute.
        patch.setattr(auth._Credentials, "_credentials_init", True)
        bucket = storage.Client.create_anonymous_client().bucket(BUCKET)
        yield ObjectStore(
            root=f"gs://{BUCKET}",
            beam_flags=(),
            put=lambda name, content: bucket.blob(name).upload_from_string(content),
            list=lambda: {
                blob.name: blob.download_as_bytes() for blob in bucket.list_blobs()
            },
        )


@contextlib.contextmanager
def s3():
    """Runs a server of S3's interface; yields an ObjectStore."""
    server = ThreadedMotoServer(ip_address="localhost", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        endpoint = f"http://{host}:{port}"
        bucket = boto3.resource("s3", endpoint_url=endpoint).create_bucket(Bucket=BUCKET)
        yield ObjectStore(
            root=f"s3://{BUCKET}",
            beam_flags=(f"--s3_endpoint_url={endpoint}",),
            put=lambda name, content: bucket.put_object(Key=name, Body=content),
            list=lambda: {
                each.key: each.get()["Body"].read() for each in bucket.objects.all()
            },
        )
    server.stop()


def create(
    root,
    output,
    *,
    beam_flags=(),
    text="text/*",
    shuffle=None,
    overwrite=False,
    **changes,
):
    """Runs the job on `root`'s inputs; `changes` are of its configuration."""
    options = beam_options.pipeline_options(["program", *beam_flags])
    data_config = dataclasses.replace(CONFIG, **changes)
    vocabulary = sources.load_vocabulary(f"{root}/vocab.txt")
    files = sources.find_inputs([f"{root}/{text}"], input_format=data_config.input_format)
    job = PretrainingJob(
        data_sets=(transforms.DataSet(data_config, str(output)),),
        vocabulary=vocabulary,
        files=tuple(files),
        num_train_buckets=2,
        max_bad_documents=0,
    )
    pretraining_job.create(job, shuffle=shuffle, overwrite=overwrite, options=options)


def put_inputs(put):
    """Hands two texts and a vocabulary to `put(name, content)`."""
    middle = TEXT.index(b"\n\n", len(TEXT) // 2)
    put("text/a.txt", TEXT[:middle])
    put("text/b.txt", TEXT[middle:])
    put("vocab.txt", made_documents.VOCABULARY.file_bytes)


def put_locally(folder):
    """Puts the inputs in a folder."""

    def put(name, content):
        path = folder / name
        os.makedirs(path.parent, exist_ok=True)
        path.write_bytes(content)

    put_inputs(put)


def local_shards(folder, **changes):
    """The shards that a run on this machine's disk writes, by their names."""
    put_locally(folder)
    create(folder, folder / "data", **changes)
    return {path.name: path.read_bytes() for path in folder.glob("data/*.tfrecord")}
