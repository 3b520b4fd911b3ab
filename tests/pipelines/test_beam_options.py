"""One command line holds our flags and Beam's, and a typing error is in neither."""

import logging

import pytest
from apache_beam.options import pipeline_options as beam
from apache_beam.utils import subprocess_server

from bert_tf.errors import UserError
from pipelines import beam_options


def test_defaults_need_no_network_and_no_main_session():
    options = beam_options.pipeline_options(["program"])
    assert options.view_as(beam.StandardOptions).runner == "FnApiRunner"
    assert options.view_as(beam.SetupOptions).save_main_session is False


def test_starting_a_job_server_is_no_warning():
    beam_options.pipeline_options(["program"])
    logger = logging.getLogger(subprocess_server.__name__)
    assert logger.isEnabledFor(logging.ERROR)
    assert not logger.isEnabledFor(logging.WARNING)


def test_flags_are_passed_through():
    options = beam_options.pipeline_options(
        [
            "program",
            "--runner=FlinkRunner",
            "--parallelism=2",
            "--direct_num_workers",
            "3",
            "--save_main_session",
        ]
    )
    assert options.view_as(beam.StandardOptions).runner == "FlinkRunner"
    assert options.view_as(beam.FlinkRunnerOptions).parallelism == 2
    assert options.view_as(beam.DirectOptions).direct_num_workers == 3
    assert options.view_as(beam.SetupOptions).save_main_session is True


@pytest.mark.parametrize(
    "argument", ["--runer=FlinkRunner", "--direct_num_worker=2", "-x", "stray"]
)
def test_unknown_arguments_are_named(argument):
    with pytest.raises(UserError, match=argument):
        beam_options.pipeline_options(["program", argument])


def test_wrong_value_is_named():
    with pytest.raises(UserError, match="direct_num_workers"):
        beam_options.pipeline_options(["program", "--direct_num_workers=two"])
