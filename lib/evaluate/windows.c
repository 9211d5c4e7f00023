/* evaluate/windows.c - overlapping windows over a document, each token predicted once. */
#include "evaluate/windows.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t neck__windows_count(const neck__windows *windows)
{
    int64_t targets = windows->tokens - 1;
    if (targets < 1) return 0;
    if (targets <= windows->context) return 1;
    return 1 + (targets - windows->context - 1) / windows->stride + 1;
}

neck__window neck__windows_at(const neck__windows *windows, int64_t index)
{
    int64_t predicted = index == 0 ? 0 : windows->context + (index - 1) * windows->stride;
    int64_t most = index == 0 ? windows->context : windows->stride;
    neck__window window = {.targets = smaller(most, windows->tokens - 1 - predicted)};
    int64_t end = predicted + window.targets;
    window.begin = index * windows->stride;
    if (windows->reach_back) window.begin = end > windows->context ? end - windows->context : 0;
    window.inputs = end - window.begin;
    return window;
}
