"""The try of an exported model: it must not depend on one GPU, or on memory, that the training did without."""

import pytest

pytest.importorskip("torch")


def test_a_model_that_fits_nowhere_is_tried_from_the_disk(toy_model) -> None:
    pytest.importorskip("accelerate")
    import torch

    from o1j.training.tryout import entrance, loaded

    ids = torch.tensor([[1, 2, 3, 4]])
    whole, _ = loaded(str(toy_model), "float32", spread=True)
    apart, missing = loaded(str(toy_model), "float32", spread=True, max_memory={"cpu": 10_000})
    assert "disk" in apart.hf_device_map.values()
    assert not missing
    assert entrance(whole) == entrance(apart) == "cpu"
    apart.hf_device_map = {"model.embed_tokens": "cpu", "model.layers.0": 1, "lm_head": "disk"}
    assert entrance(apart) == 1
    with torch.no_grad():
        assert torch.equal(whole(input_ids=ids).logits, apart(input_ids=ids).logits)
