/* evaluate/windows.h - which part of a long text the model sees for which prediction. */
#ifndef NECK_EVALUATE_WINDOWS_H
#define NECK_EVALUATE_WINDOWS_H

#include <stdint.h>

/* One run of the model over tokens[begin .. begin + inputs). Its states predict tokens[begin + 1 .. begin + inputs];
 * the last `targets` of these predictions count, the others were made by earlier windows. */
typedef struct neck__window {
    int64_t begin;
    int64_t inputs;
    int64_t targets;
} neck__window;

/* How a document is cut, with 1 <= stride <= context. Window 0 predicts tokens 1 .. context; each later one sees the
 * context tokens that start at a multiple of stride and predicts the stride tokens no earlier one has. So every token
 * but the first is predicted exactly once, from at least context - stride + 1 tokens once there are that many. The last
 * window sees fewer tokens than the others, unless reach_back: then it starts earlier, so that it sees context
 * tokens too. */
typedef struct neck__windows {
    int64_t tokens;
    int64_t context;
    int64_t stride;
    int32_t reach_back;
} neck__windows;

/* How many there are; 0 for a document of fewer than two tokens, which has nothing to predict. */
int64_t neck__windows_count(const neck__windows *windows);

/* The index-th, 0 <= index < count. */
neck__window neck__windows_at(const neck__windows *windows, int64_t index);

#endif
