/* softneck.h - is this language model held back by its output head?
 *
 * The only header to include. Read in this order, each part stands on the ones before:
 *   status          codes, messages, versions          context         threads, memory, progress
 *   matrix          borrowed views                     gram            streaming second moments of rows
 *   spectrum        singular values and their error    metrics         entropy, ranks, tails
 *   geometry        anisotropy, isotropy               checkpoint      model files, the LM head in them
 *   cross_entropy   a head and its loss in one         model           hidden states, loss, logits
 *   tokenizer       text to token numbers and back     evaluate        models over text, layer by layer
 *   optimizer       update rules, schedules, clipping  head            heads of several kinds
 *   head_training   heads on frozen states             bottleneck      what a lower rank costs
 *   tokenizer_training  texts to a tokenizer           token_file, batches  tokens on disk, dealt out for training
 *   model_training  transformers with gradients        training        a language model's training, resumable
 *   gradient_exchange  several processes training one model  monitor   rank metrics while something trains
 *   operator        matrices known by their products   truncated       their largest singular triplets, with bounds
 *   density         all their values at once, in a band  ngram         counts, and the matrix they make
 *   saturation      the verdict on a curve             scaling_law     fits, and how far others are off
 *   co_occurrence   which of two curves turned first   frequency       components against token counts
 *   unargmaxable    tokens that can never win          hidden_size     a model's width from its logits
 *
 * Common rules. Arrays are row-major. Sizes are int64_t. Natural logarithms, nats. Every neck_X_destroy accepts
 * NULL. Outputs are untouched on failure. The library never prints, exits, installs handlers, or changes the
 * process's BLAS threads or floating-point mode. */
#ifndef SOFTNECK_H
#define SOFTNECK_H

#include "softneck/status.h"
#include "softneck/context.h"
#include "softneck/matrix.h"
#include "softneck/gram.h"
#include "softneck/spectrum.h"
#include "softneck/metrics.h"
#include "softneck/geometry.h"
#include "softneck/checkpoint.h"
#include "softneck/cross_entropy.h"
#include "softneck/model.h"
#include "softneck/tokenizer.h"
#include "softneck/tokenizer_training.h"
#include "softneck/token_file.h"
#include "softneck/batches.h"
#include "softneck/evaluate.h"
#include "softneck/optimizer.h"
#include "softneck/gradient_exchange.h"
#include "softneck/head.h"
#include "softneck/head_training.h"
#include "softneck/bottleneck.h"
#include "softneck/model_training.h"
#include "softneck/training.h"
#include "softneck/monitor.h"
#include "softneck/operator.h"
#include "softneck/truncated.h"
#include "softneck/density.h"
#include "softneck/ngram.h"
#include "softneck/ngram_rows.h"
#include "softneck/saturation.h"
#include "softneck/scaling_law.h"
#include "softneck/co_occurrence.h"
#include "softneck/frequency.h"
#include "softneck/unargmaxable.h"
#include "softneck/hidden_size.h"

#endif
