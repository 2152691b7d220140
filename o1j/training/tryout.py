"""Try an exported model before anyone relies on it: `python -m o1j.training.tryout REQUEST.json` prints a report."""

import json
import math
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Load the folder as its users will, compare its loss with the trainer's, and let it answer a training prompt."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(attempt(request)))


def attempt(request: dict[str, Any]) -> dict[str, Any]:
    """`{folder, dtype, device, ids, learned, prompt, limit}` → `{loss, missing, stops, tokens, text}`.

    `stops` is null where nothing was generated: weights that don't fit into memory would be read anew for each token.
    """
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(request["folder"])
    model, missing = loaded(request["folder"], request["dtype"], spread=request["device"] == "cuda")
    device = entrance(model)
    ids = torch.tensor([request["ids"]], device=device)
    places = torch.tensor([i - 1 for i, learned in enumerate(request["learned"]) if learned and i], device=device)
    reply: list[int] = []
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits[0, places].float()
        loss = torch.nn.functional.cross_entropy(logits, ids[0, places + 1]).item()
        held = "disk" not in getattr(model, "hf_device_map", {}).values()
        if held:
            prompt = torch.tensor([request["prompt"]], device=device)
            output = model.generate(
                prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=request["limit"], do_sample=False
            )
            reply = output[0, prompt.shape[1] :].tolist()
    ends = model.generation_config.eos_token_id
    return {
        "loss": loss if math.isfinite(loss) else None,
        "missing": missing,
        "stops": bool(reply) and reply[-1] in (ends if isinstance(ends, list) else [ends]) if held else None,
        "tokens": len(reply),
        "text": tokenizer.decode(reply),
    }


def entrance(model: Any) -> Any:
    """The device that a model takes its input on: its first GPU, if any of it found room on one."""
    places = getattr(model, "hf_device_map", {}).values()  # a cluster's front has no GPU, and others may be full
    return next((place for place in places if place not in ("cpu", "disk")), "cpu")


def loaded(folder: str, dtype: str, *, spread: bool, **limits: Any) -> tuple[Any, list[str]]:
    """(the model, names of missing weights), as its users load it.

    spread: over all GPUs, then main memory, and what fits into neither stays on the disk: many GPUs trained together
    what one can't hold. limits: `max_memory` in accelerate's words, else what is free.
    """
    import torch
    from transformers import AutoModelForCausalLM

    place = {"device_map": "auto", "offload_folder": str(Path(folder).parent / "offload"), **limits} if spread else {}
    model, notes = AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, dtype), output_loading_info=True, **place
    )
    return model.eval(), sorted(notes["missing_keys"])


if __name__ == "__main__":
    main()
