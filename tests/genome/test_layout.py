from __future__ import annotations

from itertools import pairwise

import pytest

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Head, Pooling, Signature, Training
from evo_nas.genome.layout import EVOLVED, Layout
from evo_nas.genome.options import LayerRange, SpaceOptions

SERIES = Signature(features=3, outputs=2)
LABELS = Signature(features=3, outputs=2, per_step=True)


def layout(signature: Signature = SERIES, *, epochs: int = 100, **options: object) -> Layout:
    return Layout(SpaceOptions.model_validate(options), signature, epochs)


def positions(layout: Layout) -> list[int]:
    """Positions of all genes outside the cell, in the order in which the parts hold them."""
    return [
        *(p for part in (layout.training, layout.network, layout.head) for p in part.positions),
        layout.depth.position,
        *(p for layer in layout.layers for p in layer.positions),
    ]


@pytest.mark.parametrize("signature", [SERIES, LABELS], ids=["series", "labels"])
def test_every_gene_outside_the_cell_belongs_to_one_part(signature) -> None:
    made = layout(signature)
    assert positions(made) == list(range(made.cell_start))


def test_genes_have_different_names() -> None:
    names = [gene.name for gene in layout().genes]
    assert len(set(names)) == len(names)


def test_default_of_every_gene_is_one_of_its_values() -> None:
    assert all(0 <= gene.default < gene.size for gene in layout().genes)


def test_part_that_was_written_is_read_back() -> None:
    made = layout(learning_rates={"min": 2e-3, "max": 0.03})
    values = [gene.default for gene in made.genes]
    training = Training(batch_size=8, clip=5.0, learning_rate=0.002, weight_decay=1e-3)
    made.training.write(values, training)
    assert Training(**made.training.read(tuple(values))) == training


def test_field_without_a_gene_is_neither_written_nor_read() -> None:
    made = layout(LABELS)
    values = [gene.default for gene in made.genes]
    made.head.write(values, Head(pooling=Pooling.MEAN, dropout=0.1))
    assert "pooling" not in made.head.read(tuple(values))
    assert made.head.without_unused(Head(pooling=Pooling.MEAN)) == Head()
    assert layout().head.without_unused(Head(pooling=Pooling.MEAN)) == Head(pooling=Pooling.MEAN)


def test_value_that_a_gene_does_not_offer_is_refused_by_name() -> None:
    made = layout(widths=[8, 16], heads=[0, 64])
    [layer, *_] = made.layers
    with pytest.raises(GenomeError, match=r"head.hidden is 7; this space permits 0, 64"):
        made.head.write([0] * len(made.genes), Head(hidden=7))
    with pytest.raises(GenomeError, match=r"layer1.cell is mgu; this space permits evolved, lstm, gru"):
        layer.cell.write([0] * len(made.genes), "mgu")


def test_cell_genes_come_last_and_only_where_a_cell_evolves() -> None:
    made = layout(cell_nodes=3, cell_states=1)
    cell_genes = made.genes[made.cell_start :]
    assert [gene.name for gene in cell_genes][:2] == ["cell.node1.op", "cell.node1.input1"]
    assert len(cell_genes) == 3 * 4 + 1
    assert EVOLVED in made.layers[0].cell.choices
    fixed = layout(evolve_cell=False)
    assert (fixed.cell_code, fixed.cell_start) == (None, len(fixed.genes))
    assert EVOLVED not in fixed.layers[0].cell.choices


def test_layers_are_as_many_as_the_deepest_network_has() -> None:
    made = layout(layers=LayerRange(min=2, max=4).model_dump())
    assert len(made.layers) == 4
    assert made.depth.choices == (2, 3, 4)
    assert all(below.cell.position < above.cell.position for below, above in pairwise(made.layers))


def test_smallest_fields_hold_every_width_and_cheap_pooling_of_the_head_and_the_smallest_of_all_else() -> (
    None
):
    heads = [(fields["hidden"], fields["pooling"]) for fields in layout(heads=[0, 8, 64]).head.smallest()]
    cheap = (Pooling.LAST, Pooling.MEAN, Pooling.MAX)
    assert sorted(heads) == sorted((hidden, pooling) for hidden in (0, 8, 64) for pooling in cheap)
    assert {fields["dropout"] for fields in layout(heads=[0, 8, 64]).head.smallest()} == {0.0}
