# lib/mpi/rules.mk - libsoftneck-mpi, the tools that run on many ranks, and their tests. Part of the Makefile; nothing outside this file
# needs MPI.

MPI_PKGS    := ompi-c elpa scalapack-openmpi
MPI_CFLAGS  = $(eval MPI_CFLAGS := $$(addprefix -isystem ,$$(patsubst -I%,%,$$(filter -I%,$$(shell pkg-config --cflags $(MPI_PKGS))))))$(MPI_CFLAGS)
# OpenBLAS is LAPACK here: what the packages name beside it is left to their shared libraries.
MPI_LIBS    = $(eval MPI_LIBS := $$(filter-out -llapack -lblas %openblas-pthread,$$(shell pkg-config --libs $(MPI_PKGS))))$(MPI_LIBS)
MPI_SOURCES := $(sort $(wildcard lib/mpi/*.c))
MPI_OBJECTS := $(MPI_SOURCES:lib/%.c=$(BUILD)/obj/%.o)
MPI_STATIC  := $(BUILD)/lib/libsoftneck-mpi.a
MPI_SHARED  := $(BUILD)/lib/libsoftneck-mpi.so.$(VERSION)
MPI_SONAME  := libsoftneck-mpi.so.$(ABI)
MPI_SUPPORT := $(sort $(wildcard examples/support_*_mpi.c))
MPI_TOOLS   := $(EXAMPLES:examples/%.c=$(BUILD)/mpi/neck-%)
MPI_TESTS   := $(patsubst tests/mpi/%.c,$(BUILD)/tests/mpi/%,$(sort $(wildcard tests/mpi/test_*.c)))
MPI_HEADERS := include/softneck-mpi.h $(wildcard include/softneck-mpi/*.h)

mpi: $(MPI_STATIC) $(BUILD)/lib/libsoftneck-mpi.so $(MPI_TOOLS) mpi-package-files ## build libsoftneck-mpi, and the tools for many ranks in build/mpi/
deps-mpi: deps ## install MPI, ScaLAPACK and ELPA where they are missing (apt)
	@sh tests/check/deps.sh mpi $(BUILD) $(PYTHON)

$(MPI_OBJECTS): $(BUILD)/obj/mpi/%.o: lib/mpi/%.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) $(MPI_CFLAGS) -MMD -MP -c $< -o $@
$(MPI_STATIC): $(MPI_OBJECTS)
	@mkdir -p $(@D)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^
$(MPI_SHARED): $(MPI_OBJECTS) lib/softneck-mpi.map $(BUILD)/lib/libsoftneck.so
	$(call say,LINK,$@)$(CC) -shared $(LINK) $(LDFLAGS) -Wl,-soname,$(MPI_SONAME) -Wl,--version-script,lib/softneck-mpi.map \
		-Wl,-z,defs -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -o $@ $(MPI_OBJECTS) -L$(BUILD)/lib -lsoftneck $(MPI_LIBS) -lm
$(BUILD)/lib/$(MPI_SONAME): $(MPI_SHARED)
	@ln -sf $(notdir $<) $@
$(BUILD)/lib/libsoftneck-mpi.so: $(BUILD)/lib/$(MPI_SONAME)
	@ln -sf $(notdir $<) $@

# The tools are the same programs; what their support does together with other ranks comes first, so that the parts for one process
# alone stay in their archive.
$(BUILD)/obj/examples/support_%_mpi.o: examples/support_%_mpi.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(filter-out -Ilib,$(OURS)) $(CPPFLAGS) $(CFLAGS) -Iexamples $(PKG_CFLAGS) $(MPI_CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/mpi/neck-%: $(BUILD)/obj/examples/%.o $(MPI_SUPPORT:examples/%.c=$(BUILD)/obj/examples/%.o) $(BUILD)/obj/examples/support.a \
                     $(MPI_STATIC) $(STATIC)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(MPI_LIBS) -lm

# This one counts the libraries' allocations, and refuses memory and threads.
$(BUILD)/tests/mpi/test_nomem: private LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free,--wrap=pthread_create
$(BUILD)/tests/mpi/%: tests/mpi/%.c $(MPI_STATIC) $(STATIC) $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) -Itests -Itests/mpi $(PKG_CFLAGS) $(MPI_CFLAGS) -MMD -MP -MF $@.d $(LINK) $(LDFLAGS) \
		-o $@ $< $(MPI_STATIC) $(STATIC) $(PKG_LIBS) $(MPI_LIBS) -lm
-include $(MPI_OBJECTS:.o=.d) $(MPI_SUPPORT:examples/%.c=$(BUILD)/obj/examples/%.d) $(MPI_TESTS:=.d)

# Two ranks of one thread beside one process of two, turn by turn.
$(BUILD)/bench/ranks: tests/bench/ranks.c $(MPI_STATIC) $(STATIC) $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(filter-out -Ilib,$(OURS)) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) $(MPI_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $< \
		$(MPI_STATIC) $(STATIC) $(PKG_LIBS) $(MPI_LIBS) -lm
bench-mpi: deps-mpi ## time sums, grams, counting and head training on one process and on ranks
	+@$(AGAIN) mpi $(BUILD)/bench/ranks
	@sh tests/bench/ranks.sh $(BUILD)/bench/ranks

# ---- checks ------------------------------------------------------------------------------------------------------
check-mpi: deps-mpi ## everything that needs MPI: 1 to 4 ranks, and hosts of their own; ends with "N passed, N failed"
	+@$(AGAIN) all mpi mpi-tests
	@$(RUN) $(addprefix python:,$(sort $(wildcard tests/mpi/test_*.py))) \
		$(foreach test,$(MPI_TESTS),$(foreach ranks,1 2 3 4,ranks:$(ranks):$(test))) make:check-mpi-headers \
		make:check-mpi-symbols make:check-mpi-install
mpi-tests: $(MPI_TESTS) $(BUILD)/tests/mpi/endless
check-mpi-headers:
	@$(SCRIPT) HEADER_CFLAGS='$(MPI_CFLAGS)' sh tests/check/headers.sh $(MPI_HEADERS)
check-mpi-symbols: $(BUILD)/lib/libsoftneck-mpi.so
	@$(SCRIPT) HEADER_CFLAGS='$(MPI_CFLAGS)' sh tests/check/update_map.sh softneck-mpi.h neck_mpi_ SOFTNECK_MPI_0 | cmp - lib/softneck-mpi.map
	@nm -D --defined-only $(MPI_SHARED) | awk '$$2 != "A" { sub(/@.*/, "", $$3); print $$3 }' | LC_ALL=C sort > $(BUILD)/mpi/exported
	@sed -n 's/^ *\(neck_[a-z0-9_]*\);$$/\1/p' lib/softneck-mpi.map | LC_ALL=C sort | cmp - $(BUILD)/mpi/exported
	@! nm -D --undefined-only $(SHARED) | grep -E ' (MPI_|ompi_|elpa_)'
check-mpi-install: mpi
	+@$(SCRIPT) sh tests/mpi/install.sh

update-mpi-map:
	@HEADER_CFLAGS='$(MPI_CFLAGS)' sh tests/check/update_map.sh softneck-mpi.h neck_mpi_ SOFTNECK_MPI_0 > lib/softneck-mpi.map.new && \
		mv lib/softneck-mpi.map.new lib/softneck-mpi.map

# ---- installing --------------------------------------------------------------------------------------------------
MPI_DATA_FILES = $(foreach file,$(MPI_HEADERS),$(file):$(file:include/%=$(INCLUDEDIR)/%)) $(MPI_STATIC):$(LIBDIR)/$(notdir $(MPI_STATIC)) \
                 $(BUILD)/pkgconfig/softneck-mpi.pc:$(LIBDIR)/pkgconfig/softneck-mpi.pc
MPI_PROGRAMS   = $(MPI_SHARED):$(LIBDIR)/$(notdir $(MPI_SHARED)) $(foreach tool,$(MPI_TOOLS),$(tool):$(BINDIR)/$(notdir $(tool)))
MPI_LINKS      = $(LIBDIR)/$(MPI_SONAME) $(LIBDIR)/libsoftneck-mpi.so
mpi-package-files: package-files
	@sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@PC_LIBDIR@|$(LIBDIR)|g' -e 's|@PC_INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
		-e 's|@MPI_PKGS@|$(MPI_PKGS)|g' pkgconfig/softneck-mpi.pc.in > $(BUILD)/pkgconfig/softneck-mpi.pc
# The tools for many ranks take the places of the others: alone they work alike.
install-mpi: install mpi ## the same as install, with libsoftneck-mpi and tools that run under mpirun
	@$(call place,644,$(MPI_DATA_FILES))
	@$(call place,755,$(MPI_PROGRAMS))
	@for link in $(MPI_LINKS); do ln -sf $(notdir $(MPI_SHARED)) $(DESTDIR)$$link; done
uninstall-mpi: uninstall ## remove what install-mpi placed
	rm -f $(call destination,$(MPI_DATA_FILES) $(MPI_PROGRAMS)) $(addprefix $(DESTDIR),$(MPI_LINKS))
	@rmdir $(DESTDIR)$(INCLUDEDIR)/softneck-mpi 2>/dev/null || true

.PHONY: mpi deps-mpi bench-mpi check-mpi mpi-tests check-mpi-headers check-mpi-symbols check-mpi-install update-mpi-map mpi-package-files \
        install-mpi uninstall-mpi
