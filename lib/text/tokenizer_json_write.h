/* text/tokenizer_json_write.h - tokenizer.json of a byte-level BPE, as Hugging Face tokenizers writes it. */
#ifndef NECK_TEXT_TOKENIZER_JSON_WRITE_H
#define NECK_TEXT_TOKENIZER_JSON_WRITE_H

#include "text/bpe_train.h"

/* Appends the file's text. split: NECK_SPLIT_*. Tokens 0 .. special_count-1 are the special ones. */
neck_status neck__tokenizer_json_write(const neck__learned *learned, int32_t split, int64_t special_count,
                                       neck__buffer *out);

#endif
