"""neck-eval from the outside: its scores against the conventions, applied in Python to single likelihoods."""
import json
import math
import os
import re
import statistics
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from running import BUILD, SOURCE, STORIES, TOKENIZER, ToolTest, stories  # noqa: E402

sys.path.insert(0, os.path.join(SOURCE, "lib", "python"))
os.environ.setdefault("SOFTNECK_LIBRARY", os.path.join(BUILD, "lib", "libsoftneck.so.0"))
import softneck  # noqa: E402

QUESTIONS = [
    {"query": "Once upon a", "choices": ["zebra", "time", "tomorrow"], "gold": 1},
    {"query": "Lily went to the", "choices": ["park", "park with her mom", "x"], "gold": 0},
    {"query": "Tom was very", "choices": ["happy", "purple", "of"], "gold": 2},
    {"query": "The cat sat on the", "choices": ["café", "mat"], "gold": 0},
]


class EvalTest(ToolTest):
    name = "neck-eval"

    @classmethod
    def setUpClass(cls):
        cls.model = softneck.Model.open(STORIES, tokenizer=TOKENIZER)

    def score(self, task, items, *more):
        file = self.write_lines("items.jsonl", items)
        (row,) = self.rows(STORIES, "--tokenizer", TOKENIZER, "--task", task, file, *more)
        return row


def standard_error(values):
    return statistics.stdev(values) / math.sqrt(len(values))


class Scores(EvalTest):
    def test_lambada(self):
        texts = [text.split(".")[0] for text in stories(12)]
        row = self.score("lambada", [{"text": text} for text in texts])
        found = [self.model.likelihood(" ".join(text.split(" ")[:-1]), " " + text.split(" ")[-1]) for text in texts]
        logs = [each.log_likelihood for each in found]
        self.assertEqual((row["task"], row["items"]), ("lambada", 12))
        self.assertAlmostEqual(row["perplexity"], math.exp(-statistics.mean(logs)), places=6)
        self.assertAlmostEqual(row["perplexity_stderr"], row["perplexity"] * standard_error(logs), places=6)
        self.assertAlmostEqual(row["acc"], statistics.mean(each.greedy for each in found))
        self.assertAlmostEqual(row["acc_stderr"], standard_error([float(each.greedy) for each in found]))
        self.assertTrue(0 < row["acc"] < 1)

    def test_multiple_choice(self):
        row = self.score("multiple-choice", QUESTIONS)
        acc, norm = [], []
        for item in QUESTIONS:
            logs = [self.model.likelihood(item["query"], " " + choice).log_likelihood for choice in item["choices"]]
            per_character = [log / len(choice) for log, choice in zip(logs, item["choices"])]
            acc.append(float(logs.index(max(logs)) == item["gold"]))
            norm.append(float(per_character.index(max(per_character)) == item["gold"]))
        self.assertEqual((row["acc"], row["acc_norm"]), (statistics.mean(acc), statistics.mean(norm)))
        self.assertAlmostEqual(row["acc_stderr"], standard_error(acc))
        self.assertAlmostEqual(row["acc_norm_stderr"], standard_error(norm))

    def test_equal_choices_are_the_first(self):
        item = {"query": "Once upon a", "choices": ["time", "time"]}
        self.assertEqual(self.score("multiple-choice", [{**item, "gold": 0}])["acc"], 1)
        self.assertEqual(self.score("multiple-choice", [{**item, "gold": 1}])["acc"], 0)

    def test_rolling(self):
        texts = [" ".join(stories(4)), stories(1)[0], "One  more\u3000text."]
        row = self.score("rolling", [{"text": text} for text in texts])
        nll = 0.0
        for text in texts:
            ids = self.model.tokenizer.encode_document(text).tolist()
            done = 0
            while done < len(ids) - 1:  # the harness's windows: a whole context, the last one moved back
                end = min(done + 512, len(ids) - 1)
                begin = max(0, end - 512)
                logits = self.model.forward(ids[begin:end])
                for position in range(done, end):
                    line = [float(x) for x in logits[position - begin]]
                    top = max(line)
                    nll += math.log(sum(math.exp(x - top) for x in line)) + top - line[ids[position + 1]]
                done = end
        words = sum(len(re.split(r"\s+", text)) for text in texts)
        size = sum(len(text.encode()) for text in texts)
        self.assertAlmostEqual(row["word_perplexity"] / math.exp(nll / words), 1, delta=1e-5)
        self.assertAlmostEqual(row["byte_perplexity"] / math.exp(nll / size), 1, delta=1e-6)
        self.assertAlmostEqual(row["bits_per_byte"], nll / size / math.log(2), delta=1e-6)

    def test_one_item_has_no_standard_error(self):
        self.assertIsNone(self.score("lambada", [{"text": "Once upon a time"}])["acc_stderr"])

    def test_limit(self):
        self.assertEqual(self.score("multiple-choice", QUESTIONS, "--limit", "2")["items"], 2)


class Output(EvalTest):
    def test_help(self):
        text = self.expect(0, "--help").stdout.decode()
        for option in "task tokenizer limit json threads quiet help version".split():
            self.assertIn(f"--{option}", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_table_has_a_row_a_model(self):
        file = self.write_lines("items.jsonl", QUESTIONS)
        result = self.expect(0, STORIES, STORIES, "--tokenizer", TOKENIZER, "--task", "multiple-choice", file)
        text = result.stdout.decode()
        self.assertEqual(len(re.findall(r"stories260K\.bin$", text, re.M)), 2)
        self.assertEqual(text.count("acc"), 2)
        self.assertFalse(re.search(r" +$", text, re.M), "blanks at the end of a line")

    def test_wrong_usage(self):
        file = self.write_lines("items.jsonl", QUESTIONS)
        self.refuses({
            ("--task", "rolling", file): "MODEL and FILE",
            (STORIES, file): "--task",
            (STORIES, "--task", "dancing", file): "dancing",
            (STORIES, "--task", "rolling", file, "--limit", "0"): "--limit",
        })

    def test_failures_are_one_line(self):
        common = STORIES, "--tokenizer", TOKENIZER, "--task"
        self.fails((*common, "rolling", self.path("none.jsonl")), "none.jsonl", "No such file")
        self.fails((*common, "rolling", self.write("list.jsonl", "[1]\n")), "line 1", "JSON object")
        self.fails((*common, "rolling", self.write("blank.jsonl", "\n\n")), "no items")
        self.fails((*common, "lambada", self.write_lines("a.jsonl", [{"words": 1}])), "item 1", '"text"')
        for wrong in ({"gold": 3}, {"gold": "0"}, {"choices": []}, {"choices": ["", "a"]}, {"query": 5}):
            item = {**QUESTIONS[0], **wrong}
            self.fails((*common, "multiple-choice", self.write_lines("b.jsonl", [item])), "item 1", '"gold"')
        long = {"query": "a", "choices": ["z" * 3000], "gold": 0}
        self.fails((*common, "multiple-choice", self.write_lines("c.jsonl", [long])), "item 1", "the model sees 512")

    def test_what_was_scored_before_a_bad_item_is_printed(self):
        file = self.write_lines("items.jsonl", [*QUESTIONS, {}])
        result = self.expect(1, "--json", STORIES, "--tokenizer", TOKENIZER, "--task", "multiple-choice", file)
        self.assertEqual(json.loads(result.stdout)["items"], 4)
        self.assertIn(b"item 5", result.stderr)


if __name__ == "__main__":
    unittest.main()
