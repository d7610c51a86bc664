# Tests of the C that has no database in it.  From the root of the project:
#
#   make -f test/unit/unit.mk check       builds and runs them
#   make -f test/unit/unit.mk sanitize    the same with ASan and UBSan
#   make -f test/unit/unit.mk valgrind    the same under valgrind
#
# Needs libcurl and OpenSSL with their headers, python3 and openssl; sanitize needs clang.

UNIT_DIR := test/unit
UNIT_BUILD ?= $(UNIT_DIR)/build
UNIT_CC ?= $(CC)
UNIT_WARNINGS := -std=gnu11 -Wall -Wextra -Werror -Wdeclaration-after-statement -Wmissing-prototypes
# Where PostgreSQL is built like this, what a string function writes beyond its end is the end of the server.
UNIT_CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2

UNIT_CURL_CFLAGS := $(shell curl-config --cflags)
UNIT_CURL_LIBS := $(shell curl-config --libs)

UNIT_SOURCES := $(wildcard src/http_*.c src/key_*.c) src/secret.c src/json_find.c src/json_text.c src/text_excerpt.c src/webhook_signature.c
UNIT_HELPERS := $(UNIT_DIR)/tap.c $(UNIT_DIR)/hostile.c
UNIT_HEADERS := $(wildcard src/http_*.h src/key_*.h) src/secret.h src/json_find.h src/json_text.h src/text_excerpt.h src/webhook_signature.h $(wildcard $(UNIT_DIR)/*.h)

UNIT_TESTS := $(patsubst $(UNIT_DIR)/%.c,$(UNIT_BUILD)/%,$(wildcard $(UNIT_DIR)/test_*.c))
UNIT_OBJECTS := $(patsubst %.c,$(UNIT_BUILD)/%.o,$(notdir $(UNIT_SOURCES) $(UNIT_HELPERS)))

.PHONY: check valgrind sanitize clean
.SECONDARY: $(UNIT_OBJECTS)

check: $(UNIT_TESTS)
	@$(UNIT_DIR)/run_tests $(UNIT_TESTS)

valgrind: $(UNIT_TESTS)
	@UNIT_SLOW=1 UNIT_RUN="valgrind -q --leak-check=full --errors-for-leak-kinds=definite,possible --error-exitcode=99" \
		$(UNIT_DIR)/run_tests $(UNIT_TESTS)

# In a folder of its own, because the objects differ.
sanitize:
	@UNIT_SLOW=1 $(MAKE) -f $(UNIT_DIR)/unit.mk check UNIT_CC=clang UNIT_BUILD=$(UNIT_BUILD)/sanitized \
		UNIT_CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

clean:
	rm -rf $(UNIT_BUILD)

$(UNIT_BUILD):
	mkdir -p $@

$(UNIT_BUILD)/%.o: src/%.c $(UNIT_HEADERS) | $(UNIT_BUILD)
	$(UNIT_CC) $(UNIT_WARNINGS) $(UNIT_CFLAGS) $(UNIT_CURL_CFLAGS) -c -o $@ $<

$(UNIT_BUILD)/%.o: $(UNIT_DIR)/%.c $(UNIT_HEADERS) | $(UNIT_BUILD)
	$(UNIT_CC) $(UNIT_WARNINGS) $(UNIT_CFLAGS) $(UNIT_CURL_CFLAGS) -Isrc -c -o $@ $<

$(UNIT_BUILD)/test_%: $(UNIT_DIR)/test_%.c $(UNIT_OBJECTS) $(UNIT_HEADERS)
	$(UNIT_CC) $(UNIT_WARNINGS) $(UNIT_CFLAGS) $(UNIT_CURL_CFLAGS) -Isrc -o $@ $< $(UNIT_OBJECTS) $(UNIT_LINK) $(UNIT_CURL_LIBS) -lcrypto -lpthread

# Lets this test decide which allocation fails.
$(UNIT_BUILD)/test_http_memory: UNIT_LINK := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
