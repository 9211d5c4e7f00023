#!/bin/sh
# No line of C or Python in the folders that are named is wider than 120 columns.
find "$@" -name '*.[ch]' -o -name '*.py' | sort | xargs awk '
length($0) > 120 { printf "%s:%d: %d columns\n", FILENAME, FNR, length($0); wide++ }
END { if (!wide) print "lines have at most 120 columns"; exit wide > 0 }'
