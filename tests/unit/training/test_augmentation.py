import torch

from mediafm_store.model.sequences import Packed
from mediafm_store.training.augmentation import _FEW as FEW
from mediafm_store.training.augmentation import draw_turn, turn, turned_share


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_turned_title_keeps_its_cosines_and_looks_different():
    directions, _ = torch.linalg.qr(torch.randn(12, 6, generator=seeded()))
    titles = Packed(torch.randn(9, 12, generator=seeded(1)), torch.zeros(2, 4), (5, 4))
    backwards = torch.tensor([[0.0, 1, 1, 0, 1, 0], [0.0] * 6])
    found = turn(titles, directions, backwards).fused
    before, after = titles.fused[:5], found[:5]
    torch.testing.assert_close(after @ after.T, before @ before.T, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after @ directions[:, 1], -before @ directions[:, 1])
    torch.testing.assert_close(after @ directions[:, 0], before @ directions[:, 0])
    torch.testing.assert_close(found[5:], titles.fused[5:])


def test_a_share_of_the_titles_is_turned_and_never_in_what_all_have_in_common():
    draws = [draw_turn(16, share=0.3, generator=seeded(i)) for i in range(300)]
    turned = [d for d in draws if d.any()]
    assert 60 < len(turned) < 120
    assert not any(d[0] for d in draws)
    mean = torch.stack(turned)[:, 1:].mean(0)
    assert (mean - 0.5).abs().max() < 0.2


def test_the_more_shots_there_are_the_fewer_titles_are_turned():
    assert turned_share(10) == turned_share(FEW) == 1
    assert turned_share(10 * FEW) == 0.1
