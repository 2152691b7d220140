"""What a run costs, out of the model's configuration alone."""

import pytest

torch = pytest.importorskip("torch")
from o1j.training.settings import Settings  # noqa: E402
from o1j.training.shape import Meter, Shape, Work, peak  # noqa: E402


def test_operations_are_six_a_weight_and_token_and_the_causal_half_of_attention(toy_model) -> None:
    shape = Shape(str(toy_model))
    layer = 16 * 16 + 2 * 16 * 8 + 16 * 16 + 3 * 16 * 32 + 2 * 16  # q, k and v, o, the gated MLP, two norms
    assert shape.body == 2 * layer + 16
    assert shape.parameters == shape.body + 258 * 16  # tied: the embedding is the output layer
    work = Work.of([10, 20], [4, 8])
    matrices = 6 * (shape.body * 30 + 258 * 16 * 12)
    attention = 3 * 2 * 2 * (16 * 10**2 + 16 * 20**2)  # thrice, two layers, scores and sums at 2 a pair, half of them
    assert shape.operations(work) == matrices + attention
    assert shape.operations(work, lora=True) == matrices * 4 / 6 + attention


def test_of_experts_only_the_chosen_are_counted(tmp_path) -> None:
    from transformers import Qwen3MoeConfig

    told = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    sizes = {
        "vocab_size": 32,
        "head_dim": 8,
        "moe_intermediate_size": 8,
        "intermediate_size": 8,
        "decoder_sparse_step": 1,
    }
    for experts, folder in ((8, tmp_path / "eight"), (2, tmp_path / "two")):
        Qwen3MoeConfig(**told, **sizes, num_experts=experts, num_experts_per_tok=2).save_pretrained(folder)
    eight, two = Shape(str(tmp_path / "eight")), Shape(str(tmp_path / "two"))
    assert eight.parameters > two.parameters
    assert eight.body - two.body == (8 - 2) * 16  # the router


@pytest.mark.parametrize(
    ("device", "tflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A10", 125),
        ("NVIDIA GH200 480GB", 989.4),
        ("NVIDIA L40S", 362),
        ("NVIDIA A10G", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
        ("Tesla T4", None),
        ("", None),
    ],
)
def test_a_device_that_is_not_listed_has_no_best(device: str, tflops: float | None) -> None:
    assert peak(device) == (tflops and tflops * 1e12)


def test_utilisation_is_work_over_time_and_the_best_of_all_gpus(toy_model) -> None:
    settings = Settings(str(toy_model), "", "", device="cuda", precision="bf16", world=2)
    work = Work.of([100], [50])
    done = Shape(str(toy_model)).operations(work)
    assert Meter(settings, "NVIDIA A100-SXM4-40GB").utilisation(work, 0.5) == pytest.approx(done / (0.5 * 2 * 312e12))
    assert Meter(settings, "some other device").utilisation(work, 0.5) is None
    assert Meter(Settings(str(toy_model), "", ""), "NVIDIA A100").utilisation(work, 0.5) is None


def test_memory_is_told_by_what_holds_it(toy_model) -> None:
    shape = Shape(str(toy_model))
    n = shape.parameters

    def held(zero: int = 0, tokens: int = 4096, **told) -> dict[str, float]:
        return shape._states(Settings("", "", "", **told), zero) | {
            "activations": shape._activations(Settings("", "", "", **told), tokens)
        }

    alone = held()
    assert (alone["weights"], alone["gradients"], alone["optimizer"]) == (4 * n, 4 * n, 8 * n)
    half = held(device="cuda", precision="bf16")
    assert (half["weights"], half["gradients"], half["optimizer"]) == (2 * n, 2 * n, 16 * n)
    shared = [held(zero, world=8) for zero in (1, 2, 3)]
    assert [part["optimizer"] for part in shared] == [12 * n / 8] * 3
    assert shared[0]["gradients"] > shared[1]["gradients"] == 8 * n / 8
    assert [part["buffers"] for part in shared] == [2 * 4 * n, 2 * 4 * n, 3 * 4 * n]
    assert held(3, device="cuda", precision="bf16", world=8)["buffers"] == 2 * 2 * 500_000_000
    adapters = shape.adapters(4)
    assert held(lora=4)["gradients"] == 4 * adapters
    assert adapters == 2 * 4 * (2 * (16 + 16) + 2 * (16 + 8) + 3 * (16 + 32))
    assert held(gradient_checkpointing=True)["activations"] < alone["activations"]
    away = held(3, device="cuda", precision="bf16", offload="cpu", world=8)
    assert (away["weights"], away["gradients"], away["optimizer"]) == (2 * n, 0, 0)  # what is gathered at the moment
    assert held(2, offload="cpu")["optimizer"] == 12 * n
