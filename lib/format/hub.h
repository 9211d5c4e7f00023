/* format/hub.h - the cache of Hugging Face's hub: a folder a repository, in which refs/NAME holds the name of a
 * folder in snapshots, whose files are links. Revisions such as Pythia's step1000 are names of refs. */
#ifndef NECK_FORMAT_HUB_H
#define NECK_FORMAT_HUB_H

#include "core/memory.h"

/* The path of the snapshot that refs/NAME of the repository leads to, in new memory; NULL when it leads to none.
 * Errors: NECK_E_NOMEM. */
neck_status neck__hub_snapshot(const neck__allocator *allocator, const char *repository, const char *name, char **path);

#endif
