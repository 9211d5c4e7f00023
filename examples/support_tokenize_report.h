/* support_tokenize_report.h - what neck-tokenize did, for people or (json) as one JSON object a line. */
#ifndef SUPPORT_TOKENIZE_REPORT_H
#define SUPPORT_TOKENIZE_REPORT_H

#include <softneck.h>
#include <softneck/tokenizer_training.h>

#include "support_tokenize.h"

/* split_name - what a NECK_SPLIT_* is called. */
const char *split_name(int32_t split);

/* training_report - a tokenizer learned from so much text and written to path.
 * encoding_report - so much text written to path as tokens; hash: of the tokenizer.
 * count_report    - a file's text, as a row of the table that count_report_head begins.
 * tokens_report   - the tokens of a document, as JSON. */
void training_report(const neck_tokenizer_training *training, const char *path, int32_t split, const tokenize_sum *sum,
                     int json);
void encoding_report(const neck_tokenizer *tokenizer, uint64_t hash, const char *path, const tokenize_sum *sum,
                     int json);
void count_report_head(void);
void count_report(const char *path, const tokenize_sum *sum, int json);
void tokens_report(const neck_tokenizer *tokenizer, const char *path, int64_t number, const token_buffer *tokens);

#endif
