"""Callbacks: when, where and with what they are called, and what becomes of their exceptions."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import unittest

from support import TestCase, numpy, random, softneck


class Progress(TestCase):
    def test_is_told_on_the_calling_thread(self) -> None:
        told = []
        context = softneck.Context(threads=2, progress=lambda p: told.append((threading.get_ident(), p)))
        gc.collect()
        softneck.spectrum(random(3000, 40), context=context)
        self.assertTrue(told)
        for thread, progress in told:
            self.assertEqual(thread, threading.get_ident())
            self.assertIsInstance(progress, softneck.Progress)
            self.assertTrue(progress.task and progress.unit)
            self.assertTrue(0 <= progress.done and (progress.total is None or progress.done <= progress.total))

    def test_true_cancels(self) -> None:
        context = softneck.Context(progress=lambda p: True)
        with self.assertRaises(softneck.CancelledError) as caught:
            softneck.spectrum(random(300, 40), context=context)
        self.assertIsNone(caught.exception.__context__)

    def test_exceptions_arrive_at_the_call(self) -> None:
        for error in (ZeroDivisionError("mine"), KeyboardInterrupt(), SystemExit(3)):

            def progress(_: softneck.Progress) -> None:
                raise error

            gram = softneck.Gram(4, context=softneck.Context(progress=progress))
            with self.assertRaises(type(error)) as caught:
                gram.push(random(9, 4))
            self.assertIs(caught.exception, error)
            self.assertEqual(gram.count, 0)

    def test_an_exception_is_raised_once_and_only_there(self) -> None:
        def fail(_: softneck.Progress) -> None:
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            softneck.spectrum(random(9, 4), context=softneck.Context(progress=fail))
        with self.assertRaises(softneck.CancelledError):
            softneck.spectrum(random(9, 4), context=softneck.Context(progress=lambda p: 1))

    def test_callbacks_may_compute(self) -> None:
        inner = []
        context = softneck.Context(progress=lambda p: inner.append(softneck.spectrum(numpy.eye(2)).count) and None)
        softneck.spectrum(random(9, 4), context=context)
        self.assertTrue(inner and set(inner) == {2})

    def test_callbacks_may_not_use_the_object_at_work(self) -> None:
        context = softneck.Context(progress=lambda p: gram.count > 99)
        gram = softneck.Gram(4, context=context)
        with self.assertRaisesRegex(softneck.StateError, "own call"):
            gram.push(random(9, 4))

    def test_two_threads_keep_their_exceptions_apart(self) -> None:
        both = threading.Barrier(2, timeout=600)
        found = {}

        def work(name: str) -> None:
            def progress(_: softneck.Progress) -> None:
                both.wait()
                raise LookupError(name)

            try:
                softneck.spectrum(random(9, 4), context=softneck.Context(progress=progress))
            except LookupError as error:
                found[name] = str(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, {"a": "a", "b": "b"})


class Log(TestCase):
    graded = random(8000, 100) * numpy.logspace(0, -12, 100)  # large enough for the Gram matrix to be tried first

    def test_speaks_logging(self) -> None:
        logger = logging.getLogger("softneck.test")
        logger.setLevel(logging.DEBUG)
        with self.assertLogs(logger, logging.DEBUG) as caught:
            softneck.spectrum(self.graded, tolerance=1e-3, context=softneck.Context(log=logger.log))
        self.assertIn(caught.records[0].levelno, (logging.DEBUG, logging.INFO, logging.WARNING))
        self.assertTrue(caught.records[0].getMessage())

    def test_exceptions_are_reported_and_ignored(self) -> None:
        def fail(level: int, message: str) -> None:
            raise ZeroDivisionError

        reported = []
        hook, sys.unraisablehook = sys.unraisablehook, lambda told: reported.append(told.exc_type)
        try:
            softneck.spectrum(self.graded, tolerance=1e-3, context=softneck.Context(log=fail))
        finally:
            sys.unraisablehook = hook
        self.assertEqual(set(reported), {ZeroDivisionError})


class Options(TestCase):
    def test_threads(self) -> None:
        self.assertEqual(softneck.Context(threads=3).threads, 3)
        self.assertGreaterEqual(softneck.Context().threads, 1)
        self.assertEqual(repr(softneck.Context(threads=2)), "<softneck.Context threads=2>")

    def test_refusals(self) -> None:
        for arguments in ({"threads": -1}, {"threads": 2000}, {"threads": 2**32 + 1}, {"seed": -1}, {"seed": 2**64}):
            with self.assertRaises(softneck.ArgumentError):
                softneck.Context(**arguments)
        with self.assertRaises(TypeError):
            softneck.Context(threads=1.5)

    def test_thread_count_does_not_change_gram_results(self) -> None:
        W = random(5000, 48, "float32")
        one, two = (softneck.spectrum(W, method="gram", context=softneck.Context(threads=n)) for n in (1, 2))
        numpy.testing.assert_array_equal(one.singular_values, two.singular_values)


if __name__ == "__main__":
    unittest.main()
