"""Grade outputs that carry another harness's labels, and print every sample on which o1j disagrees.

    python tests/bench/eval_labels.py ../shared/data/outputs_math500_qwen25_14b_inst.jsonl

The files are those of the Qwen2.5-Math harness: `code` holds the samples, `score` its verdicts, `pred` what it read.
"""

import json
import subprocess
import sys


def main(path: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "o1j", "eval", path, "--quiet"], stdout=subprocess.PIPE, check=True, text=True
    )
    records = [json.loads(line) for line in run.stdout.split("\n") if line]
    samples = [
        (record, sample, label, read)
        for record in records
        for sample, label, read in zip(record["samples"], record["score"], record["pred"], strict=True)
    ]
    labelled = sum(label for _, _, label, _ in samples)
    graded = sum(sample["correct"] is True for _, sample, _, _ in samples)
    print(f"{len(records)} problems, {len(samples)} samples: {labelled} right by the label, {graded} by o1j")
    for record, sample, label, read in samples:
        if sample["correct"] is not label:
            print(
                f"idx {record['idx']}: label {label}, o1j {sample['correct']} ({sample['verdict']}) | "
                f"gold {record['answer']} | o1j read {sample['extracted']} | the label read {read}"
            )


if __name__ == "__main__":
    main(sys.argv[1])
