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
MANDIR   ?= $(PREFIX)/share/man
DOCDIR   ?= $(PREFIX)/share/doc/softneck
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
# mpi is a library of its own, with rules of its own.
SOURCES := $(sort $(foreach layer,$(filter-out mpi,$(LAYERS)),$(wildcard lib/$(layer)/*.c)))
EXAMPLES := $(sort $(filter-out examples/support_%,$(wildcard examples/*.c)))
SUPPORT := $(sort $(filter-out examples/support_%_mpi.c,$(wildcard examples/support_*.c)))
TESTS   := $(sort $(wildcard tests/test_*.c))
FUZZERS := $(sort $(wildcard tests/fuzz/fuzz_*.c))

PKGS    := openblas lapacke jansson zlib libpcre2-8 libutf8proc clp
# Evaluated at first use, so that `make deps` and `make help` work before anything is installed.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
# -lopenblas before -llapacke: LAPACK's symbols then come from OpenBLAS, one thread pool.
# clp.pc names its own dependencies for static linking, among them any LAPACK at hand: those are left to its shared library.
PKG_LIBS   = $(eval PKG_LIBS := $$(filter-out -llapack -lblas -lbz2 -lCoinUtils -lClpSolver -lm,\
             $$(shell pkg-config --libs $(PKGS))))$(PKG_LIBS)
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

all: static shared examples package-files ## build the library and the tools (default)
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
	$(call say,CC,$<)$(CC) $(filter-out -Ilib,$(OURS)) $(CPPFLAGS) $(CFLAGS) -Iexamples -I$(@D) $(PKG_CFLAGS) -MMD -MP -c $< -o $@
# The gnuplot scripts travel inside the tools, as C strings, so that a tool alone can draw.
PLOTS := $(patsubst examples/plots/%.gp,$(BUILD)/obj/examples/%_gp.h,$(sort $(wildcard examples/plots/*.gp)))
$(SUPPORT:examples/%.c=$(BUILD)/obj/examples/%.o): | $(PLOTS)
$(BUILD)/obj/examples/%_gp.h: examples/plots/%.gp
	@mkdir -p $(@D)
	$(call say,GEN,$@){ echo "static const char $*_gp[] ="; sed 's/[\\"]/\\&/g; s/.*/    "&\\n"/' $<; echo '    ;'; } > $@
# An archive: each tool takes of the support files what it uses.
$(BUILD)/obj/examples/support.a: $(SUPPORT:examples/%.c=$(BUILD)/obj/examples/%.o)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/examples/neck-%: $(BUILD)/obj/examples/%.o $(BUILD)/obj/examples/support.a $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm

# Tests link statically, so they may reach internal functions through lib/.
$(BUILD)/tests/%: tests/%.c $(STATIC) $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) -Itests $(PKG_CFLAGS) -MMD -MP -MF $@.d $(LINK) $(LDFLAGS) -o $@ $< $(STATIC) \
		$(PKG_LIBS) $(CHECK_LIBS) -lm

-include $(OBJECTS:.o=.d) $(patsubst examples/%.c,$(BUILD)/obj/examples/%.d,$(EXAMPLES) $(SUPPORT)) $(TEST_BINS:=.d)

tests: $(TEST_BINS) ## build the unit tests

# ---- dependencies and the main job -------------------------------------------------------------------------------
deps: ## install what is missing (apt), or say what to install
	@sh tests/check/deps.sh build $(BUILD) $(PYTHON)

# A second make, because what `deps` installs changes what this one has already looked up. It uses all CPUs unless the
# first was told how many.
JOBS  = $(shell nproc 2>/dev/null || echo 1)
AGAIN = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
demo: deps ## run the main jobs on real checkpoints: tables, and figures in build/demo/
	+@$(AGAIN) all
	@PYTHON='$(PY)' sh examples/demo.sh $(BUILD)

study-width: deps ## train models of several widths and watch their heads (hours; STUDY=--quick: minutes; RANKS=8: mpirun)
	+@$(AGAIN) all
	@$(if $(RANKS),mpirun -np $(RANKS)) $(PY) examples/study_width.py --build $(BUILD) $(STUDY)

bench: deps ## time against numpy and PyTorch on the same matrices
	+@$(AGAIN) all
	@sh tests/bench/run.sh $(BUILD) $(PY)

# ---- checks ------------------------------------------------------------------------------------------------------
# numpy may live in the virtual environment that `make deps` makes where the system's Python has none.
PY     = $(firstword $(wildcard $(BUILD)/venv/bin/python) $(PYTHON))
SCRIPT = CC='$(CC)' CXX='$(CXX)' PYTHON='$(PY)' MAKE='$(MAKE)' BUILD='$(BUILD)' VERSION='$(VERSION)'
RUN    = $(SCRIPT) sh tests/check/run.sh
TOOL_TESTS := $(addprefix python:,$(sort $(wildcard tests/tool/test_*.py)))
CHECKS := headers layers columns symbols install readme isa fuzz asan valgrind

check: deps ## all tests and checks; ends with "N passed, N failed"
	+@$(AGAIN) all tests
	+@$(RUN) python:tests/python $(TOOL_TESTS) $(TEST_BINS) $(CHECKS:%=make:check-%)

check-unit: $(TEST_BINS) ## the unit tests alone
	@$(RUN) $(TEST_BINS)
check-python: $(BUILD)/lib/libsoftneck.so ## the Python package's tests
	@$(RUN) python:tests/python
check-tool: all ## the tools' tests
	@$(RUN) $(TOOL_TESTS)
check-failmalloc: $(filter $(BUILD)/tests/test_failmalloc%,$(TEST_BINS)) ## every allocation fails once
	@$(RUN) $^
ISA_TESTS = $(filter $(addprefix %/test_,gram spectrum svd geometry matmul cross_entropy head_curve optimizer),$(TEST_BINS))
check-isa: $(ISA_TESTS) ## the numerical tests on every kernel level this CPU has
	@for isa in generic avx2 avx512; do SOFTNECK_ISA=$$isa $(RUN) $(ISA_TESTS) || exit 1; done
check-headers: ## each public header alone, as C11 and C++17, without a warning
	@$(SCRIPT) sh tests/check/headers.sh
check-layers: ## lib/ includes only what lib/LAYERS allows
	@$(PY) tests/check/layers.py
NARROW := include lib
check-columns: ## lines of at most 120 columns
	@sh tests/check/columns.sh $(NARROW)
check-symbols: static $(BUILD)/lib/libsoftneck.so ## headers, version script and shared library agree
	@$(SCRIPT) sh tests/check/symbols.sh $(STATIC) $(SHARED) $(SONAME)
check-install: all ## install, build a C and a C++ program by pkg-config and CMake, uninstall
	+@$(SCRIPT) sh tests/check/install.sh
check-readme: all ## the examples in README.md run as written
	@$(SCRIPT) $(PY) tests/check/readme.py

# Sanitizers get build folders of their own. Both kinds in one build and one run: each test is compiled and run under
# either once, and malformed files are replayed on the same build. -g1: lines for stack traces, which is all they need.
sanitize = $(AGAIN) BUILD=$(BUILD)/$(1) CFLAGS='-O1 -g1 -fno-omit-frame-pointer' \
           EXTRA_CFLAGS='-fsanitize=$(2) -fno-sanitize-recover=all' EXTRA_LDFLAGS='-fsanitize=$(2)'
# What is done again and again, for statistics, is for the plain build.
SLOW  = SOFTNECK_SLOW=1 UBSAN_OPTIONS=print_stacktrace=1
ASAN  = $(SLOW) ASAN_OPTIONS=allocator_may_return_null=1 $(call sanitize,asan,address$(,)undefined)
UBSAN = $(SLOW) $(call sanitize,ubsan,undefined)
, := ,
check-asan: ## the unit tests under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer
	+@$(ASAN) check-unit
check-ubsan: ## the same under UndefinedBehaviorSanitizer alone, optimised; not part of check
	+@$(UBSAN) CFLAGS='-O2 -g' check-unit
check-fuzz: ## replay the corpus of malformed files under both
	+@$(ASAN) fuzz-replay

# Memcheck is slow: the tests of memory, errors and files, in one process each.
VALGRIND_TESTS = $(filter $(addprefix %/test_,error memory options failmalloc safetensors npy llama2c npz torch),\
                 $(TEST_BINS))
VALGRIND = valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
check-valgrind: $(VALGRIND_TESTS) ## some unit tests under Memcheck
	@CK_FORK=no CK_TIMEOUT_MULTIPLIER=30 WRAPPER='$(VALGRIND)' $(RUN) $(VALGRIND_TESTS)

include lib/mpi/rules.mk

# ---- fuzzing -----------------------------------------------------------------------------------------------------
# fuzz_X.c reads what lies in tests/corpus/X: replayed by a plain program, or grown by libFuzzer.
REPLAYS = $(FUZZERS:tests/fuzz/fuzz_%.c=$(BUILD)/fuzz/replay_%)
$(BUILD)/fuzz/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(STATIC) $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) -Itests/fuzz $(PKG_CFLAGS) $(LINK) $(LDFLAGS) -o $@ \
		$(filter %.c,$^) $(STATIC) $(PKG_LIBS) -lm
fuzz-replay: $(REPLAYS)
	@$(RUN) $(foreach reader,$(REPLAYS:$(BUILD)/fuzz/replay_%=%),replay:$(reader))

FUZZ_RUNS = 1000000
FUZZING = $(AGAIN) BUILD=$(BUILD)/libfuzzer CC=clang CFLAGS='-O1 -g' \
          EXTRA_CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
          EXTRA_LDFLAGS='-fsanitize=address,undefined'
fuzz: ## run each fuzzer FUZZ_RUNS times (clang; 10^6 by default)
	@sh tests/check/deps.sh fuzz $(BUILD) $(PYTHON)
	+@$(FUZZING) fuzz-run FUZZ_RUNS=$(FUZZ_RUNS)
$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(STATIC) $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) -Itests/fuzz $(PKG_CFLAGS) -fsanitize=fuzzer $(LINK) $(LDFLAGS) \
		-o $@ $< $(STATIC) $(PKG_LIBS) -lm
fuzz-run: $(FUZZERS:tests/fuzz/%.c=$(BUILD)/fuzz/%)
	@set -e; for reader in $(FUZZERS:tests/fuzz/fuzz_%.c=%); do echo "== $$reader"; \
		mkdir -p $(BUILD)/found/$$reader; \
		$(BUILD)/fuzz/fuzz_$$reader -runs=$(FUZZ_RUNS) -max_len=8192 -timeout=10 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(BUILD)/found/$$reader- $(BUILD)/found/$$reader tests/corpus/$$reader; done

# ---- documentation -----------------------------------------------------------------------------------------------
docs: examples ## the API reference and pages of the tools: build/docs/html, build/docs/man
	@$(PY) docs/reference.py $(BUILD)/docs
	@$(PY) docs/tool_pages.py $(BUILD)/docs $(TOOLS)
	@echo 'open $(BUILD)/docs/html/index.html, or man -M $(BUILD)/docs/man neck_spectrum_compute'

install-docs: docs ## HTML and man pages into DESTDIR/PREFIX/share
	@install -d $(DESTDIR)$(DOCDIR)/html $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man3
	@install -m 644 $(BUILD)/docs/html/* $(DESTDIR)$(DOCDIR)/html
	@install -m 644 $(BUILD)/docs/man/man1/* $(DESTDIR)$(MANDIR)/man1
	@install -m 644 $(BUILD)/docs/man/man3/* $(DESTDIR)$(MANDIR)/man3

uninstall-docs: docs ## remove what install-docs placed
	@rm -f $(addprefix $(DESTDIR)$(DOCDIR)/html/,$(notdir $(wildcard $(BUILD)/docs/html/*))) \
		$(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(wildcard $(BUILD)/docs/man/man1/*))) \
		$(addprefix $(DESTDIR)$(MANDIR)/man3/,$(notdir $(wildcard $(BUILD)/docs/man/man3/*)))
	@rmdir -p $(DESTDIR)$(DOCDIR)/html 2>/dev/null || true

# ---- packaging ---------------------------------------------------------------------------------------------------
# One list, from which install places and uninstall removes: source:destination.
HEADERS := $(wildcard include/softneck.h include/softneck/*.h)
CMAKEDIR = $(LIBDIR)/cmake/softneck
PACKAGE_FILES = $(BUILD)/pkgconfig/softneck.pc:$(LIBDIR)/pkgconfig/softneck.pc \
                $(BUILD)/pkgconfig/softneckConfig.cmake:$(CMAKEDIR)/softneckConfig.cmake \
                $(BUILD)/pkgconfig/softneckConfigVersion.cmake:$(CMAKEDIR)/softneckConfigVersion.cmake
DATA_FILES    = $(foreach file,$(HEADERS),$(file):$(file:include/%=$(INCLUDEDIR)/%)) \
                $(STATIC):$(LIBDIR)/$(notdir $(STATIC)) $(PACKAGE_FILES)
PROGRAM_FILES = $(SHARED):$(LIBDIR)/$(notdir $(SHARED)) $(foreach tool,$(TOOLS),$(tool):$(BINDIR)/$(notdir $(tool)))
LINKS         = $(LIBDIR)/$(SONAME) $(LIBDIR)/libsoftneck.so
OWN_FOLDERS   = $(INCLUDEDIR)/softneck $(CMAKEDIR)
destination   = $(foreach pair,$(1),$(DESTDIR)$(lastword $(subst :, ,$(pair))))
define place
install -d $(sort $(dir $(call destination,$(2))))
$(foreach pair,$(2),install -m $(1) $(subst :, $(DESTDIR),$(pair)) &&) true
endef

install: all ## into DESTDIR/PREFIX
	@$(call place,644,$(DATA_FILES))
	@$(call place,755,$(PROGRAM_FILES))
	@for link in $(LINKS); do ln -sf $(notdir $(SHARED)) $(DESTDIR)$$link; done
	@echo 'installed in $(DESTDIR)$(PREFIX); run ldconfig if $(LIBDIR) is new to the loader (or link with -Wl,-rpath,$(LIBDIR))'

uninstall: ## remove exactly what install placed
	rm -f $(call destination,$(DATA_FILES) $(PROGRAM_FILES)) $(addprefix $(DESTDIR),$(LINKS))
	@for folder in $(addprefix $(DESTDIR),$(OWN_FOLDERS)); do rmdir $$folder 2>/dev/null || true; done

# Folders are written relative to the prefix, so that an installed tree may be moved. Written afresh each time, because
# the prefix may differ from the last one's.
PRIVATE_LIBS = -lm -pthread
package-files: FORCE
	@mkdir -p $(BUILD)/pkgconfig
	@VERSION='$(VERSION)' ABI='$(ABI)' PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' PKGS='$(PKGS)' \
		PRIVATE_LIBS='$(PRIVATE_LIBS)' sh pkgconfig/fill.sh pkgconfig $(BUILD)

dist: ## build/softneck-VERSION.tar.gz from the committed tree
	@mkdir -p $(BUILD)
	git archive --format=tar --prefix=softneck-$(VERSION)/ HEAD | gzip -9n > $(BUILD)/softneck-$(VERSION).tar.gz

update-map: ## write lib/softneck.map from the public headers
	@sh tests/check/update_map.sh > lib/softneck.map.new && mv lib/softneck.map.new lib/softneck.map

clean: ## remove build/
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile lib/mpi/rules.mk | while IFS='|' read -r target text; do \
		printf '  %-17s %s\n' "$$target" "$$text"; done
	@echo 'Set on the command line: CC CFLAGS PREFIX LIBDIR INCLUDEDIR BINDIR MANDIR DOCDIR DESTDIR BUILD PYTHON V=1'

.PHONY: all static shared examples tests deps demo study-width bench docs install-docs uninstall-docs check fuzz fuzz-run fuzz-replay install uninstall package-files \
        dist update-map clean help FORCE $(filter check-%,$(shell sed -n 's/^\(check-[a-z]*\):.*/\1/p' Makefile))
.SECONDARY:
