#!/usr/bin/env python3
"""make_evaluate.py LM_EVAL_UTILS REFERENCE_TSV > evaluate.json - what the programs say whose conventions are followed.

LM_EVAL_UTILS is the path of lm_eval/utils.py (LM Evaluation Harness 0.4): its rolling windows are run, not
rewritten. The windows of the perplexity guide of transformers are the guide's own loop. Words are counted by Python.
REFERENCE_TSV holds what an independent double-precision evaluator says of stories260K on three stories: columns
story, pos, token_in, target, nll_nats.
"""
import ast
import json
import re
import sys

source = open(sys.argv[1]).read()
wanted = {"get_rolling_token_windows", "make_disjoint_window"}
functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name in wanted]
scope = {"Generator": __import__("typing").Generator}
exec(compile(ast.Module(functions, []), sys.argv[1], "exec"), scope)


def harness(tokens, context, stride):
    """[begin, inputs, targets] with token 0 as the prefix token."""
    ids = list(range(tokens))
    out = []
    pairs = scope["get_rolling_token_windows"](ids[1:], ids[0], context, context - stride + 1)
    for inputs, predicted in pairs:
        assert predicted[-1] == inputs[-1] + 1
        out.append([inputs[0], len(inputs), len(predicted)])
    return out


def guide(tokens, context, stride):
    """The loop of huggingface.co/docs/transformers/perplexity; a window's last token is only predicted."""
    max_length, out, prev_end_loc = context + 1, [], 0
    for begin_loc in range(0, tokens, stride):
        end_loc = min(begin_loc + max_length, tokens)
        trg_len = end_loc - prev_end_loc
        out.append([begin_loc, end_loc - begin_loc - 1, trg_len - (begin_loc == 0)])
        prev_end_loc = end_loc
        if end_loc == tokens:
            break
    return out


cases = []
for context in (1, 2, 5, 8):
    for stride in sorted({1, 2, context // 2, context} & set(range(1, context + 1))):
        for tokens in (2, 3, context, context + 1, context + 2, 2 * context, 2 * context + 1, 23):
            if tokens >= 2:
                cases.append({"tokens": tokens, "context": context, "stride": stride,
                              "harness": harness(tokens, context, stride), "guide": guide(tokens, context, stride)})

texts = ["", " ", "one", "two words", " lead", "trail ", "a\tb\nc\r\nd", "a  b", "a\u00a0b", "a\u3000b\u2003 c",
         "a\u200bb", "a\x1cb\x1fc", "a\u0085b", "a\u1680b\u202fc\u205fd", "\u2028x\u2029", "é è", "日本 語", "🙂 🙂", "\u180ea b"]
words = [{"text": text, "words": len(re.split(r"\s+", text)), "kept": len(text.rstrip().encode())} for text in texts]
stories = []
for line in open(sys.argv[2]).read().splitlines()[1:]:
    story, pos, token_in, target, nll = line.split("\t")
    if pos == "0":
        stories.append({"ids": [int(token_in)], "nll": []})
    assert stories[int(story)]["ids"][-1] == int(token_in)
    stories[int(story)]["ids"].append(int(target))
    stories[int(story)]["nll"].append(float(nll))

json.dump({"windows": cases, "words": words, "stories": stories}, sys.stdout, separators=(",", ":"))
print()
