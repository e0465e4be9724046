import pytest

from advisor import ModelSpec
from advisor.catalog import models
from advisor.hub_config import hub_config
from advisor.shape import count_parameters

PLAIN = [model for model in models() if model.family and not model.experts and not model.kv_latent]


@pytest.mark.parametrize("model", PLAIN, ids=lambda model: model.name)
def test_the_config_of_a_catalogued_shape_reads_back_as_the_same_shape(model):
    again = ModelSpec.from_config(hub_config(model))
    assert count_parameters(again).total == pytest.approx(count_parameters(model).total, rel=0.01)
    assert (again.layers, again.hidden, again.vocab) == (model.layers, model.hidden, model.vocab)


def test_a_shape_with_more_to_it_asks_for_the_file():
    mixture = next(model for model in models() if model.experts)
    with pytest.raises(ValueError, match="give its file with --config"):
        hub_config(mixture)
