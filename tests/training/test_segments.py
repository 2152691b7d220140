"""Samples in one row don't see each other, and lose nothing by it."""

import pytest

torch = pytest.importorskip("torch")


def logits(model, rows: list[list[int]]):
    """One row of all `rows`, laid end to end."""
    ids = torch.tensor([[token for row in rows for token in row]])
    positions = torch.cat([torch.arange(len(row)) for row in rows])[None]
    return model(input_ids=ids, position_ids=positions, segments=[len(row) for row in rows], use_cache=False).logits[0]


@pytest.mark.parametrize("window", [None, 3])
def test_packed_and_alone_give_the_same_logits(window: int | None) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    from o1j.training import segments

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=window,
        attn_implementation="eager",
    )
    model = MistralForCausalLM(config).eval()
    rows = [[1, 2, 3, 4, 5], [6, 7], [8, 9, 10, 11, 12, 13, 14]]
    with torch.no_grad():
        alone = torch.cat([model(input_ids=torch.tensor([row])).logits[0] for row in rows])
        model.set_attn_implementation(segments.NAME)
        packed = logits(model, rows)
    assert torch.allclose(alone, packed, atol=1e-5)
