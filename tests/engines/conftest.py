import pytest

from tests.engines import object_stores


@pytest.fixture(scope="module")
def gcs():
    """Google Cloud Storage with the inputs in it."""
    with object_stores.google_cloud_storage() as store:
        object_stores.put_inputs(store.put)
        yield store
