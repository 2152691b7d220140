"""The ZeRO stage that a run takes which names none."""

import pytest

from o1j.errors import Unavailable
from o1j.training import fit
from o1j.training.settings import Settings
from o1j.training.shape import Shape


@pytest.fixture(scope="module")
def giant(tmp_path_factory) -> str:
    """The configuration of a model of 30 billion weights, without a weight."""
    pytest.importorskip("transformers")
    from transformers import LlamaConfig

    folder = tmp_path_factory.mktemp("giant")
    config = LlamaConfig(hidden_size=16384, intermediate_size=65536, num_hidden_layers=8, num_attention_heads=128)
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    return str(folder)


def chosen(model: str, **told) -> int:
    settings = Settings(model, "", "", **{"zero": 0, "fit": True, "world": 2, **told})
    fit.choose(settings, Shape(model), [100, 200], [50, 150])
    return settings.zero


def test_a_small_model_stays_whole(toy_model) -> None:
    assert chosen(str(toy_model)) == 0
    assert chosen(str(toy_model), zero=1) == 1


def test_one_that_does_not_fit_is_split_as_far_as_it_goes(giant) -> None:
    assert chosen(giant) == 3


def test_a_stage_that_was_asked_for_or_could_not_help_stays(giant) -> None:
    assert chosen(giant, fit=False) == 0
    assert chosen(giant, world=1) == 0


def test_a_run_that_may_find_too_little_memory_says_so_with_what_helps(giant, toy_model) -> None:
    from o1j.training import check, train

    told: list[str] = []
    for model in (str(toy_model), giant):
        train._tell_of_memory(check.memory(Shape(model), Settings(model, "", ""), [100, 200], [50, 150]), told.append)
    (said,) = told
    assert "it may run out of memory; what helps: more GPUs or machines, or a smaller model" in said


def test_processes_share_the_memory_of_their_own_machine_only() -> None:
    pytest.importorskip("psutil")
    shared = fit.free(Settings("", "", "", world=16))
    assert fit.free(Settings("", "", "", world=16, hosts={"a": 2, "b": 2})) > 4 * shared


def test_a_gpu_that_is_not_there_is_69_in_one_line() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        assert 0 < fit.free(Settings("", "", "", device="cuda")) < 10_000
        return
    with pytest.raises(Unavailable, match=r"how much memory is free: .*(CUDA|NVIDIA)"):
        fit.free(Settings("", "", "", device="cuda"))
