# The whole pipeline on the embedded default, on a machine without GPU, key or network: `make demo` calls this file.
# Every step has a file under demo/ as its target: interrupt it, and make goes on where it was.
#
#   make demo TEACHER=openai:gpt-4o-mini     a real model instead of the rule-based teacher (OPENAI_API_KEY)
#   make demo BILINGUAL=1                    also train a student on the bilingual set
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := all

STUDENT   ?= local:smollm2
TEACHER   ?=
WRONG     ?= 0.15
REWRITTEN ?= 72
DISTILLED ?= 96
PAIRS     ?= 24
SAMPLES   ?= 4
OUT       ?= demo

# Without TEACHER, the command that follows runs with examples/teacher.py on loopback and ends it.
TAUGHT := $(if $(TEACHER),,python examples/teacher.py --wrong $(WRONG) --)
# Its replies are cached under what it is made of: who changes the teacher is not answered by the old one.
WEIGHTS := $(shell cat examples/teacher.py examples/families.py | cksum | cut -d ' ' -f 1)-$(WRONG)
ASK := --model $(or $(TEACHER),openai:rules --cache-tag $(WEIGHTS)) --seed 1
TRAIN := --gpus cpu --nprocs 2 --lr 2e-4 --batch-size 4 --no-packing --max-length 512 --resume
# The bare problem, as the student is trained on it. Before training, replies are longer than thoughts of the teacher:
# the last table says how many the limit cut. With 400 tokens instead of 160 the student before was right on 10.7 %
# instead of 9.3 %, when that was measured.
EVAL := --prompt examples/ask.md --samples $(SAMPLES) --temperature 0.3 --max-tokens 160 --seed 1 --concurrency 140
FILTER := --rules needs-image,proof,no-answer,not-numerical,multiple-choice,several-parts --dedup near

export O1J_CACHE ?= $(OUT)/cache
export TOKENIZERS_PARALLELISM := false
export DS_ACCELERATOR := cpu
BEGAN := $(shell date +%s)
now = printf '\n== %s s: %s\n' "$$(($$(date +%s) - $(BEGAN)))" "$(1)" >&2

.PHONY: all
all: $(addprefix $(OUT)/,filtered.jsonl stage1.jsonl stage2.jsonl bilingual.json before.jsonl after.jsonl table.txt)
all: $(OUT)/tti.jsonl $(if $(BILINGUAL),$(OUT)/table-bilingual.txt)
	@$(call now,what came of it)
	@cat $(OUT)/table.txt
	@echo; o1j tti --leaderboard examples/demo-tti.jsonl --format table
	@$(if $(BILINGUAL),echo; echo 'Before and after training on the bilingual set alone:'; cat $(OUT)/table-bilingual.txt)
	@echo; echo "The curve of inference-time scaling: $(OUT)/curve.svg. All that was made is in $(OUT)/."
	@$(call now,done)

$(OUT)/filtered.jsonl: examples/problems.jsonl examples/heldout.jsonl | $(OUT)
	@$(call now,filter: keep the problems worth distilling)
	o1j filter $< $(FILTER) --decontaminate examples/heldout.jsonl --rejects $(OUT)/rejects.jsonl -o $@

$(OUT)/before.jsonl: examples/heldout.jsonl examples/ask.md | $(OUT)
	@$(call now,eval: the student before (2 to 4 minutes))
	o1j eval $< --model $(STUDENT) $(EVAL) --summary $(OUT)/before.json -o $@

$(OUT)/stage1.jsonl: $(OUT)/filtered.jsonl
	@$(call now,rewrite: longer solutions for stage 1)
	head -n $(REWRITTEN) $< | $(TAUGHT) o1j rewrite $(ASK) --rejects $(OUT)/stage1-rejects.jsonl -o $@

$(OUT)/stage1.metrics.jsonl: $(OUT)/stage1.jsonl
	@$(call now,train: stage 1 on the rewritten solutions (1 to 2 minutes))
	o1j train $(STUDENT) $< --output $(@:.metrics.jsonl=) $(TRAIN) --epochs 1 -o $@

$(OUT)/stage2.jsonl: $(OUT)/filtered.jsonl
	@$(call now,distill: long thoughts for stage 2)
	sed -n "$$(($(REWRITTEN) + 1)),$$(($(REWRITTEN) + $(DISTILLED)))p" $< \
	  | $(TAUGHT) o1j distill $(ASK) --rejects $(OUT)/stage2-rejects.jsonl -o $@

$(OUT)/stage2.metrics.jsonl: $(OUT)/stage2.jsonl $(OUT)/stage1.metrics.jsonl
	@$(call now,train: stage 2 on the distilled thoughts (2 to 4 minutes))
	o1j train $(OUT)/stage1 $< --output $(@:.metrics.jsonl=) $(TRAIN) --epochs 2 -o $@

$(OUT)/bilingual.jsonl: $(OUT)/stage2.jsonl
	@$(call now,translate: the thoughts richest in reflection make a bilingual set)
	o1j filter $< --rules '' --reflective --top $(PAIRS) | $(TAUGHT) o1j translate $(ASK) --to zh --rejects $(OUT)/bilingual-rejects.jsonl -o $@

$(OUT)/bilingual.json: $(OUT)/bilingual.jsonl
	@$(call now,eval: the answers of the bilingual set in both languages)
	o1j eval $< --by language --summary $@ -o $(OUT)/bilingual-graded.jsonl

$(OUT)/bilingual.metrics.jsonl: $(OUT)/bilingual.jsonl
	@$(call now,train: a student on the bilingual set)
	o1j train $(STUDENT) $< --output $(@:.metrics.jsonl=) $(TRAIN) --epochs 2 -o $@

$(OUT)/after.jsonl: $(OUT)/stage2.metrics.jsonl $(OUT)/before.jsonl examples/heldout.jsonl
	@$(call now,eval: the student after both stages (1 to 3 minutes))
	o1j eval examples/heldout.jsonl --model local:$(OUT)/stage2 $(EVAL) --curve --compare $(OUT)/before.jsonl \
	  --plot $(OUT)/curve.svg --summary $(OUT)/after.json -o $@

$(OUT)/after-bilingual.jsonl: $(OUT)/bilingual.metrics.jsonl
	@$(call now,eval: the student of the bilingual set)
	o1j eval examples/heldout.jsonl --model local:$(OUT)/bilingual $(EVAL) -o $@

$(OUT)/table-bilingual.txt: $(OUT)/before.jsonl $(OUT)/after-bilingual.jsonl examples/demo_table.py
	python examples/demo_table.py $(OUT)/before.jsonl $(OUT)/after-bilingual.jsonl > $@

$(OUT)/table.txt: $(OUT)/before.jsonl $(OUT)/after.jsonl examples/demo_table.py
	python examples/demo_table.py $(OUT)/before.jsonl $(OUT)/after.jsonl > $@

$(OUT)/tti.jsonl: examples/demo-tti.jsonl | $(OUT)
	o1j tti $< -o $@

$(OUT):
	mkdir -p $@
