import pytest
import torch

from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.ensemble import Ensemble, Link, model_of
from evo_nas.models.network import Network

SEQUENCE = Signature(features=3, outputs=4)
STEPS = Signature(features=3, outputs=4, per_step=True)


def networks(signature, count=3):
    torch.manual_seed(0)
    layer = Layer(NAMED_CELLS["gru"], 5)
    return [Network(Architecture((layer,)), signature).eval() for _ in range(count)]


@pytest.mark.parametrize(
    ("link", "scale"),
    [
        (Link.VALUES, lambda values: values),
        (Link.CLASSES, lambda x: x.softmax(-1)),
        (Link.LABELS, torch.sigmoid),
    ],
)
def test_members_are_averaged_by_their_shares_on_the_scale_of_the_link(link, scale):
    members, shares = networks(SEQUENCE), [0.5, 0.3, 0.2]
    inputs = torch.randn(6, 7, 3)
    expected = sum(share * scale(member(inputs)) for member, share in zip(members, shares, strict=True))
    found = scale(model_of(members, link=link, shares=[5, 3, 2])(inputs))
    torch.testing.assert_close(found, expected)


def test_an_ensemble_reads_a_long_sequence_piece_by_piece():
    ensemble = Ensemble(networks(STEPS), [0.2, 0.3, 0.5], Link.CLASSES).eval()
    inputs = torch.randn(2, 9, 3)
    first, states = ensemble.forward_from(inputs[:, :4])
    second, _ = ensemble.forward_from(inputs[:, 4:], states)
    torch.testing.assert_close(torch.cat([first, second], dim=1), ensemble(inputs))


def test_the_logits_of_a_certain_label_stay_finite():
    ensemble = Ensemble(networks(SEQUENCE, 2), [0.5, 0.5], Link.LABELS)
    logits = ensemble.joined([torch.tensor([[200.0, -200.0]])] * 2)
    torch.testing.assert_close(logits, torch.tensor([[200.0, -200.0]]))


def test_one_network_is_no_ensemble():
    (network,) = networks(SEQUENCE, 1)
    assert model_of([network], link=Link.CLASSES) is network
