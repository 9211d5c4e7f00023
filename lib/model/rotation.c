/* model/rotation.c - rotary positions: frequencies, their scaling for long contexts, and the rotation. */
#include <math.h>

#include "core/error.h"
#include "model/layers.h"

#define TURN 6.283185307179586476925

/* Llama 3 leaves short wavelengths alone, stretches long ones by factor, and goes smoothly from one to the other. */
static double stretch_llama3(const neck__rope *rope, double frequency)
{
    double turns = rope->original_context * frequency / TURN; /* within the context the model was first trained on */
    if (turns > rope->high_factor) return frequency;
    if (turns < rope->low_factor) return frequency / rope->factor;
    double share = (turns - rope->low_factor) / (rope->high_factor - rope->low_factor);
    return (1 - share) * frequency / rope->factor + share * frequency;
}

double neck__rope_frequency(const neck__rope *rope, int64_t pair)
{
    double frequency = pow(rope->theta, -2.0 * (double)pair / (double)rope->size);
    switch (rope->scaling) {
    case NECK__ROPE_LINEAR: return frequency / rope->factor;
    case NECK__ROPE_LLAMA3: return stretch_llama3(rope, frequency);
    default: return frequency;
    }
}

neck_status neck__rotation_create(const neck__allocator *allocator, const neck__config *config, int64_t length,
                                  neck__rotation *out)
{
    if (config->positions != NECK__ROTARY) return NECK_OK;
    int64_t pairs = config->rope.size / 2;
    float *memory = neck__alloc(allocator, length, 2 * pairs * (int64_t)sizeof(float), "rotations");
    if (!memory) return NECK_E_NOMEM;
    *out = (neck__rotation){config->rope.size, length, config->rope.order, memory, memory + length * pairs};
    for (int64_t pair = 0; pair < pairs; pair++) {
        double frequency = neck__rope_frequency(&config->rope, pair);
        for (int64_t position = 0; position < length; position++) {
            out->cosines[position * pairs + pair] = (float)cos((double)position * frequency);
            out->sines[position * pairs + pair] = (float)sin((double)position * frequency);
        }
    }
    return NECK_OK;
}

void neck__rotation_clear(const neck__allocator *allocator, neck__rotation *rotation)
{
    neck__release(allocator, rotation->cosines);
    *rotation = (neck__rotation){0};
}

void neck__rotate(const neck__rotation *rotation, int64_t position, float *head)
{
    int64_t pairs = rotation->size / 2;
    int halves = rotation->order == NECK__ROTATE_HALVES;
    int64_t apart = halves ? pairs : 1, step = halves ? 1 : 2;
    const float *cosines = rotation->cosines + position * pairs, *sines = rotation->sines + position * pairs;
    for (int64_t i = 0; i < pairs; i++) {
        float *first = head + i * step, *second = first + apart, a = *first, b = *second;
        *first = a * cosines[i] - b * sines[i];
        *second = b * cosines[i] + a * sines[i];
    }
}
