"""Rows of n-grams: which tokens they depend on, how evenly they are spread, and that they never change."""

from __future__ import annotations

import pytest
import torch

from evo_nas.genome.blocks import Ngrams
from evo_nas.models.hashing import NO_NGRAM, hashed_ngrams, tokens_before

NGRAMS = Ngrams(1, 3, 1000)


def test_row_depends_on_the_run_of_tokens_alone() -> None:
    rows = hashed_ngrams(torch.tensor([[5, 6, 7, 9, 5, 6, 7]]), NGRAMS)
    assert torch.equal(rows[0, 2], rows[0, 6])
    assert not (hashed_ngrams(torch.tensor([[5, 7, 6]]), NGRAMS)[0, 2] == rows[0, 2]).any()


def test_no_ngram_ends_before_it_has_begun() -> None:
    rows = hashed_ngrams(torch.tensor([[0, 0, 0, 0]]), Ngrams(2, 3, 50))
    assert (rows[0] == NO_NGRAM).tolist() == [[True, True], [False, True], [False, False], [False, False]]


def test_padding_is_never_hashed() -> None:
    tokens = torch.randint(30, (3, 6))
    rows = hashed_ngrams(tokens, NGRAMS, torch.tensor([6, 4, 1]))
    assert torch.equal(rows[1, :4], hashed_ngrams(tokens[1:2, :4], NGRAMS)[0])
    assert (rows[1, 4:] == NO_NGRAM).all()
    assert (rows[2, 1:] == NO_NGRAM).all()


@pytest.mark.parametrize("ngrams", [NGRAMS, Ngrams(1, 1, 20), Ngrams(4, 4, 20)])
@pytest.mark.parametrize("piece", [1, 2, 5])
def test_pieces_give_the_rows_of_the_whole(ngrams, piece) -> None:
    tokens, before, found = torch.randint(30, (2, 11)), None, []
    for part in torch.split(tokens, piece, dim=1):
        found.append(hashed_ngrams(part, ngrams, before=before))
        before = tokens_before(part, ngrams, before)
    assert torch.equal(torch.cat(found, dim=1), hashed_ngrams(tokens, ngrams))


def test_zeros_stand_for_the_beginning() -> None:
    tokens = torch.randint(30, (2, 5))
    begun = hashed_ngrams(tokens, NGRAMS, before=torch.zeros(2, 2, dtype=torch.int64))
    assert torch.equal(begun, hashed_ngrams(tokens, NGRAMS))


def test_rows_are_spread_evenly() -> None:
    # All words of six of four letters: a hash that keeps their structure would leave rows empty.
    words = torch.cartesian_prod(*[torch.arange(4)] * 6)
    counts = hashed_ngrams(words, Ngrams(6, 6, 4097))[:, -1, 0].bincount(minlength=4097)
    assert counts[NO_NGRAM] == 0
    empty = (counts[1:] == 0).float().mean()
    assert 0.33 < empty < 0.41  # 1 / e = 0.37 for rows drawn at random
    assert counts.max() <= 8


def test_orders_do_not_share_their_rows() -> None:
    rows = hashed_ngrams(torch.arange(500)[:, None], Ngrams(1, 1, 100_000))
    pairs = hashed_ngrams(torch.tensor([[0, token] for token in range(500)]), Ngrams(2, 2, 100_000))
    assert len(set(rows.flatten().tolist()) & set(pairs[:, 1].flatten().tolist())) < 20


def test_rows_never_change() -> None:
    # A champion that was stored is read with the rows that it was trained with.
    rows = hashed_ngrams(torch.tensor([[3, 1, 92_653]]), Ngrams(1, 3, 1 << 20))
    assert rows[0].tolist() == [[607430, 0, 0], [510888, 789852, 0], [642569, 530598, 204557]]
