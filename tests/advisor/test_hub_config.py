from dataclasses import replace

import pytest

from advisor import ModelSpec
from advisor.catalog import models
from advisor.hub_config import hub_config
from advisor.shape import count_parameters


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_the_config_of_a_catalogued_shape_reads_back_as_the_same_shape(model):
    again = ModelSpec.from_config(hub_config(model))
    assert count_parameters(again).total == pytest.approx(count_parameters(model).total, rel=0.01)
    assert (again.layers, again.hidden, again.vocab) == (model.layers, model.hidden, model.vocab)


@pytest.mark.parametrize("more", [{"kv_latent": 512}, {"shared_intermediate": 64}, {"family": ""}])
def test_a_shape_with_more_to_it_asks_for_the_file(more):
    with pytest.raises(ValueError, match="give its file with --config"):
        hub_config(replace(models()[0], **more))
