import json
import random

import pytest
import torch
from safetensors.torch import save

from evo_nas.champion.exporters.native import Member, Provenance, native_files, read_native
from evo_nas.errors import ChampionError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.models.ensemble import Link
from evo_nas.models.network import Network

OPTIONS = SpaceOptions(widths=[4, 6], bidirectional=True, layers={"min": 1, "max": 3})
NUMERIC = Signature(features=3, outputs=2)
TOKENS = Signature(features=0, outputs=7, vocabulary=7, per_step=True, predicts_inputs=True)
FORECAST = Signature(features=3, outputs=4, last_values=(2, 0))


def exported(directory, *, signature=NUMERIC, seed=1):
    space = SearchSpace(OPTIONS, signature, epochs=4)
    genome = space.random(random.Random(seed))
    torch.manual_seed(seed)
    network = Network(space.decode(genome), signature).eval()
    directory.mkdir(exist_ok=True)
    provenance = Provenance(genome, space.canonical_hash(genome), OPTIONS, 4, "run", 17)
    member = Member(network.architecture, save(network.state_dict()))
    for name, content in native_files([member], signature, provenance).items():
        (directory / name).write_bytes(content)
    return network, genome


def test_spellings_of_tokens_are_exported_with_the_weights(tmp_path):
    options = OPTIONS.model_copy(update={"fronts": ("subwords 2-3 x 20",)})
    space = SearchSpace(options, TOKENS, epochs=4)
    genome = space.random(random.Random(0))
    network = Network(space.decode(genome), TOKENS).eval()
    network.front.read_spellings(tuple("abcdefg"))
    torch.nn.init.normal_(network.front.stem.vectors.weight)
    provenance = Provenance(genome, space.canonical_hash(genome), options, 4, "run", 17)
    files = native_files([Member(network.architecture, save(network.state_dict()))], TOKENS, provenance)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    tokens = torch.randint(0, 7, (4, 9))
    assert torch.equal(read_native(tmp_path)(tokens), network(tokens))


@pytest.mark.parametrize("signature", [NUMERIC, TOKENS, FORECAST])
@pytest.mark.parametrize("seed", range(8))
def test_a_loaded_champion_gives_the_outputs_it_gave_at_export(tmp_path, signature, seed):
    network, _ = exported(tmp_path / "out", signature=signature, seed=seed)
    inputs = torch.randint(0, 7, (4, 9)) if signature.vocabulary else torch.randn(4, 9, 3)
    lengths = torch.tensor([9, 5, 1, 7])
    loaded = read_native(tmp_path / "out")
    assert not loaded.training
    assert torch.equal(loaded(inputs, lengths), network(inputs, lengths))


def test_an_ensemble_is_loaded_with_its_shares_and_the_scale_of_its_mean(tmp_path):
    (network, genome), (other, _) = exported(tmp_path / "a", seed=1), exported(tmp_path / "b", seed=2)
    members = [
        Member(each.architecture, save(each.state_dict()), share)
        for each, share in ((network, 2.0), (network, 1.0), (other, 1.0))
    ]
    provenance = Provenance(genome, "hash", OPTIONS, 4, "run", 17)
    out = tmp_path / "out"
    out.mkdir()
    for name, content in native_files(members, NUMERIC, provenance, link=Link.CLASSES).items():
        (out / name).write_bytes(content)
    assert {path.name for path in out.glob("architecture*")} == {"architecture.json", "architecture-3.json"}
    loaded = read_native(out)
    assert loaded.shares == (0.5, 0.25, 0.25)
    inputs = torch.randn(4, 9, 3)
    expected = 0.75 * network(inputs).softmax(-1) + 0.25 * other(inputs).softmax(-1)
    torch.testing.assert_close(loaded(inputs).softmax(-1), expected)


def test_a_member_outside_the_folder_is_refused(tmp_path):
    exported(tmp_path / "out")
    path = tmp_path / "out" / "genome.json"
    path.write_text(path.read_text().replace('"model.safetensors"', '"../model.safetensors"'))
    with pytest.raises(ChampionError, match=r"damaged at members\.0\.weights"):
        read_native(tmp_path / "out")


def test_a_signature_that_does_not_fit_the_architecture_is_refused(tmp_path):
    exported(tmp_path / "out", signature=FORECAST)  # whose founder-like first draw tells changes
    path = tmp_path / "out" / "genome.json"
    path.write_text(path.read_text().replace('"last_values": [\n      2', '"last_values": [\n      99'))
    with pytest.raises(ChampionError, match=r"last_values is \[99, 0\]; must be positions of features"):
        read_native(tmp_path / "out")


def test_the_genome_of_a_champion_can_go_on_evolving(tmp_path):
    network, genome = exported(tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "genome.json").read_text())
    space = SearchSpace(SpaceOptions.model_validate(facts["space"]), NUMERIC, epochs=facts["epochs"])
    assert tuple(facts["genome"]) == genome
    assert space.decode(genome) == network.architecture


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("genome.json", "{", r"genome\.json is damaged"),
        ("genome.json", '{"format": 1}', r"damaged at signature: Field required"),
        ("genome.json", "[" * 100_000, r"genome\.json is damaged"),
        ("architecture.json", "nonsense", r"architecture\.json is damaged"),
        ("model.safetensors", "nonsense", r"model\.safetensors cannot be read"),
    ],
)
def test_a_damaged_file_is_one_clear_error(tmp_path, name, content, message):
    exported(tmp_path / "out")
    (tmp_path / "out" / name).write_text(content)
    with pytest.raises(ChampionError, match=message):
        read_native(tmp_path / "out")


@pytest.mark.parametrize("name", ["genome.json", "architecture.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    exported(tmp_path / "out")
    (tmp_path / "out" / name).unlink()
    with pytest.raises(ChampionError, match=name.replace(".", r"\.")):
        read_native(tmp_path / "out")


def test_a_newer_format_is_refused(tmp_path):
    exported(tmp_path / "out")
    path = tmp_path / "out" / "genome.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3}))
    with pytest.raises(ChampionError, match="format 3; this evo-nas reads up to 2"):
        read_native(tmp_path / "out")


def test_weights_of_another_architecture_are_refused_before_anything_is_built(tmp_path):
    exported(tmp_path / "out", seed=1)
    exported(tmp_path / "other", seed=2)
    (tmp_path / "other" / "architecture.json").replace(tmp_path / "out" / "architecture.json")
    with pytest.raises(ChampionError, match="weights"):
        read_native(tmp_path / "out")
