# softneck: `make demo` and `make check` are the two commands; `make help` lists the rest.

# ---- what can be set ------------------------------------------------------------------------------------------
CC       ?= cc
CXX      ?= c++
AR       ?= ar
PYTHON   ?= python3
CFLAGS   ?= -O2 -g
CXXFLAGS ?= -O2 -g
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR   ?= $(PREFIX)/bin
DATADIR  ?= $(PREFIX)/share
DESTDIR  ?=
BUILD    ?= build
V        ?= 0

# ---- version: written once, in include/softneck/version.h --------------------------------------------------------
version_of = $(shell sed -n 's/^.define NECK_$(1) \([0-9]*\)$$/\1/p' include/softneck/version.h)
VERSION := $(call version_of,VERSION_MAJOR).$(call version_of,VERSION_MINOR).$(call version_of,VERSION_PATCH)
ABI     := $(call version_of,ABI_VERSION)
SONAME  := libsoftneck.so.$(ABI)

# ---- what is built from what -------------------------------------------------------------------------------------
LAYERS  := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' lib/LAYERS)
SOURCES := $(sort $(foreach layer,$(LAYERS),$(wildcard lib/$(layer)/*.c)))
EXAMPLES := $(sort $(filter-out examples/support_%,$(wildcard examples/*.c)))
SUPPORT := $(sort $(wildcard examples/support_*.c))
TESTS   := $(sort $(wildcard tests/test_*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/fuzz_*.c))

PKGS    := openblas lapacke jansson zlib
# Evaluated at first use, so that `make deps` and `make help` work before anything is installed.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
# -lopenblas before -llapacke: LAPACK's symbols then come from OpenBLAS, one thread pool.
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
CHECK_LIBS = $(shell pkg-config --libs check)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
# -ffp-contract=off: a*b+c rounds the same on every machine; fma() is written where it is wanted.
OURS     := -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE $(WARNINGS) -fPIC -fvisibility=hidden \
            -ffp-contract=off -pthread -Iinclude -Ilib $(EXTRA_CFLAGS)
LINK     := -pthread $(EXTRA_LDFLAGS)

OBJECTS  := $(SOURCES:lib/%.c=$(BUILD)/obj/%.o)
STATIC   := $(BUILD)/lib/libsoftneck.a
SHARED   := $(BUILD)/lib/libsoftneck.so.$(VERSION)
TOOLS    := $(EXAMPLES:examples/%.c=$(BUILD)/examples/neck-%)
TEST_BINS := $(TESTS:tests/%.c=$(BUILD)/tests/%)

ifeq ($(V),0)
say = @printf '  %-6s %s\n' '$(1)' '$(2)';
else
say =
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

all: static shared examples ## build the library and the tools (default)
static: $(STATIC) ## build/lib/libsoftneck.a
shared: $(BUILD)/lib/libsoftneck.so ## build/lib/libsoftneck.so.*
examples: $(TOOLS) ## build/examples/neck-*

# ---- compiling ---------------------------------------------------------------------------------------------------
# Objects are rebuilt when compiler or flags change.
STAMP := $(BUILD)/obj/flags
FLAGS_NOW = $(CC) $(CFLAGS) $(CPPFLAGS) $(OURS) $(LDFLAGS) $(LINK)
$(STAMP): FORCE
	@mkdir -p $(@D); echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@
FORCE:

$(BUILD)/obj/%.o: lib/%.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(STATIC): $(OBJECTS)
	@mkdir -p $(@D)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(SHARED): $(OBJECTS) lib/softneck.map
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) -shared $(LINK) $(LDFLAGS) -Wl,-soname,$(SONAME) -Wl,--version-script,lib/softneck.map \
		-Wl,-z,defs -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -o $@ $(OBJECTS) $(PKG_LIBS) -lm

$(BUILD)/lib/$(SONAME): $(SHARED)
	@ln -sf $(notdir $<) $@
$(BUILD)/lib/libsoftneck.so: $(BUILD)/lib/$(SONAME)
	@ln -sf $(notdir $<) $@

# Tools know the library by its public header only; they link statically so that they run from anywhere.
$(BUILD)/obj/examples/%.o: examples/%.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(filter-out -Ilib,$(OURS)) $(CPPFLAGS) $(CFLAGS) -Iexamples $(PKG_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/examples/neck-%: $(BUILD)/obj/examples/%.o $(SUPPORT:examples/%.c=$(BUILD)/obj/examples/%.o) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm

# Tests link statically, so they may reach internal functions through lib/.
$(BUILD)/tests/%: tests/%.c $(STATIC) $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) -Itests $(PKG_CFLAGS) -MMD -MP -MF $@.d $(LINK) $(LDFLAGS) -o $@ $< $(STATIC) \
		$(PKG_LIBS) $(CHECK_LIBS) -lm

-include $(OBJECTS:.o=.d) $(EXAMPLES:examples/%.c=$(BUILD)/obj/examples/%.d) $(TEST_BINS:=.d)

clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: all static shared examples clean FORCE
.SECONDARY:
