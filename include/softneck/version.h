/* softneck/version.h - the one place a version number is written.
 * The Makefile, the pkg-config file, the CMake package and the Python package all read it from here. */
#ifndef SOFTNECK_VERSION_H
#define SOFTNECK_VERSION_H

/* Release version (semantic versioning). */
#define NECK_VERSION_MAJOR 0
#define NECK_VERSION_MINOR 1
#define NECK_VERSION_PATCH 0

/* ABI version: the number in the SONAME (libsoftneck.so.0). It changes only when the ABI breaks,
 * never because the release number does. */
#define NECK_ABI_VERSION 0

#define NECK_VERSION_NUMBER (NECK_VERSION_MAJOR * 10000 + NECK_VERSION_MINOR * 100 + NECK_VERSION_PATCH)

#endif
