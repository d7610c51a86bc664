# libFuzzer with ASan and UBSan on what reads foreign bytes. From the root of the project:
#
#   make -f test/fuzz/fuzz.mk fuzz SECONDS=600               each target for so long, one after the other
#   make -f test/fuzz/fuzz.mk http_answer SECONDS=600        one target
#   make -f test/fuzz/fuzz.mk -j2 check                      the corpora and some seconds of each, the same ones every time, as in continuous integration
#   make -f test/fuzz/fuzz.mk keep TARGETS=http_answer       adds what the last runs found to the corpus, minimised
#
# A finding ends the run; its input is left in test/fuzz/build/findings. Needs clang with its runtime libraries, libcurl and OpenSSL.

FUZZ_DIR := test/fuzz
FUZZ_BUILD ?= $(FUZZ_DIR)/build
FUZZ_CC ?= clang
FUZZ_CFLAGS ?= -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_WARNINGS := -std=gnu11 -Wall -Wextra -Werror -Wdeclaration-after-statement -Wmissing-prototypes
FUZZ_LIBS := $(shell curl-config --libs) -lcrypto -lpthread
SECONDS ?= 60

TARGETS ?= $(patsubst $(FUZZ_DIR)/fuzz_%.c,%,$(wildcard $(FUZZ_DIR)/fuzz_*.c))
FUZZ_SOURCES := $(wildcard src/http_*.c src/key_*.c) src/secret.c src/json_find.c src/json_text.c src/text_excerpt.c
FUZZ_HELPERS := $(FUZZ_DIR)/fuzz.c $(FUZZ_DIR)/decode.c $(FUZZ_DIR)/wire.c
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_BUILD)/%.o,$(notdir $(FUZZ_SOURCES) $(FUZZ_HELPERS)))
FUZZ_HEADERS := $(wildcard src/*.h) $(FUZZ_DIR)/fuzz.h

# Bytes of one input; what is longer tells nothing new.
MAX_LENGTH = 4096
MAX_LENGTH_retry_after = 64
MAX_LENGTH_http_hide = 512
MAX_LENGTH_http_request = 1024
MAX_LENGTH_key_ring = 2048

# Inputs of the short run, of some seconds each.
RUNS = 50000
RUNS_http_answer = 20000
RUNS_http_request = 100000
RUNS_json_text = 500000
RUNS_retry_after = 800000
RUNS_text_excerpt = 400000
limits = -max_len=$(or $(MAX_LENGTH_$(1)),$(MAX_LENGTH)) -timeout=20 -rss_limit_mb=1024 $(patsubst %,-dict=%,$(wildcard $(FUZZ_DIR)/$(1).dict))

.PHONY: all fuzz check keep clean $(TARGETS) $(addprefix check-,$(TARGETS))
.SECONDARY: $(FUZZ_OBJECTS)

all: $(patsubst %,$(FUZZ_BUILD)/fuzz_%,$(TARGETS))

fuzz: $(TARGETS)

$(TARGETS): %: $(FUZZ_BUILD)/fuzz_%
	@mkdir -p $(FUZZ_BUILD)/found/$* $(FUZZ_BUILD)/findings
	$< $(call limits,$*) -max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=$(FUZZ_BUILD)/findings/$*- \
		$(FUZZ_BUILD)/found/$* $(FUZZ_DIR)/corpus/$*

check: $(addprefix check-,$(TARGETS))

$(addprefix check-,$(TARGETS)): check-%: $(FUZZ_BUILD)/fuzz_%
	@$(FUZZ_DIR)/run_short $(FUZZ_BUILD) $* $(or $(RUNS_$*),$(RUNS)) $(call limits,$*)

keep: all
	@set -e; for target in $(TARGETS); do \
		rm -rf $(FUZZ_BUILD)/kept; mkdir -p $(FUZZ_BUILD)/kept; \
		$(FUZZ_BUILD)/fuzz_$$target -merge=1 -max_len=600 $(FUZZ_BUILD)/kept $(FUZZ_DIR)/corpus/$$target $(FUZZ_BUILD)/found/$$target; \
		rm -rf $(FUZZ_DIR)/corpus/$$target; mv $(FUZZ_BUILD)/kept $(FUZZ_DIR)/corpus/$$target; \
	done

clean:
	rm -rf $(FUZZ_BUILD)

$(FUZZ_BUILD):
	mkdir -p $@

$(FUZZ_BUILD)/%.o: src/%.c $(FUZZ_HEADERS) | $(FUZZ_BUILD)
	$(FUZZ_CC) $(FUZZ_WARNINGS) $(FUZZ_CFLAGS) -c -o $@ $<

# What judges is not judged, and fast.
$(FUZZ_BUILD)/decode.o: FUZZ_CFLAGS := -O2 -g

$(FUZZ_BUILD)/%.o: $(FUZZ_DIR)/%.c $(FUZZ_HEADERS) | $(FUZZ_BUILD)
	$(FUZZ_CC) $(FUZZ_WARNINGS) $(FUZZ_CFLAGS) -Isrc -c -o $@ $<

$(FUZZ_BUILD)/fuzz_%: $(FUZZ_BUILD)/fuzz_%.o $(FUZZ_OBJECTS)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)
