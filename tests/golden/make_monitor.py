"""Writes fig5.json: singular entropy of the heads of seven Pythia models along training, as Fig. 5 of "Why do small language
models underperform?" (Godey, de la Clergerie and Sagot 2024, arXiv 2404.07647) shows it.

    python3 tests/golden/make_monitor.py

Read off the figure by eye: the corners of each curve in pixels of the printed figure, enlarged; between two corners a straight
line, as on the logarithmic axis of the figure. Good to about 3 % of a value and 1,000 steps. The numbers that the figure
was checked against: 14M ends at 4.69 (ln 128 = 4.85 is the most there can be), 410M at 0.52.
"""

import json
import pathlib

# Pixels of the axes: steps 0 and 150,000; entropy 1, and of one decade.
X0, X150, Y1, DECADE = 211.0, 1020.0, 410.0, 442.6

CURVES = {
    "14M": (128, "216,405 222,445 233,468 262,468 280,473 300,484 316,487 330,500 350,535 372,575 400,617 415,630 429,636 "
                 "438,625 442,600 446,540 453,518 465,537 475,550 487,561 500,540 510,510 520,450 530,360 545,260 556,205 "
                 "572,168 590,147 615,134 650,127 690,118 750,114 850,113 984,113"),
    "31M": (256, "216,432 222,470 232,489 280,490 300,498 325,514 345,540 365,562 382,571 398,588 432,594 445,615 465,645 "
                 "485,670 510,688 540,706 565,715 576,702 585,688 592,690 600,680 605,665 608,560 612,480 617,380 622,260 "
                 "628,210 640,155 660,132 700,112 750,97 800,92 870,89 984,87"),
    "70M": (512, "216,458 222,500 235,530 262,552 290,573 310,587 325,605 345,625 372,647 400,668 440,684 485,692 510,705 "
                 "535,720 550,726 578,730 585,720 595,695 606,668 615,625 625,560 640,490 660,395 685,310 695,270 715,225 "
                 "740,172 770,138 820,113 870,100 920,91 984,83"),
    "160M": (768, "216,475 222,530 235,600 250,640 265,653 290,657 320,655 350,651 400,652 440,660 480,664 530,664 570,660 "
                  "610,655 650,649 665,654 680,660 688,620 696,575 704,520 715,450 730,390 740,340 750,300 762,235 778,178 "
                  "800,140 823,113 850,98 890,88 935,78 984,72"),
    "410M": (1024, "216,490 222,485 235,500 262,511 300,517 350,525 400,537 450,550 490,556 530,565 570,567 620,568 660,566 "
                   "700,557 740,551 800,542 870,543 930,540 984,536"),
    "1B": (2048, "216,520 228,461 250,473 290,495 330,518 400,537 450,549 500,557 560,559 620,557 680,551 750,544 850,532 "
                 "984,518"),
    "1.4B": (2048, "216,535 220,520 230,550 245,580 265,600 290,613 320,620 345,621 400,618 470,611 560,606 640,602 740,592 "
                   "850,580 984,568"),
}


def entropies(corners):
    """At 1,000, 2,000 .. 143,000 steps."""
    pixels = [tuple(map(float, corner.split(","))) for corner in corners.split()]
    values = []
    for thousands in range(1, 144):
        x = min(max(X0 + (X150 - X0) * thousands / 150, pixels[0][0]), pixels[-1][0])
        (left, above), (right, below) = next(pair for pair in zip(pixels, pixels[1:]) if x <= pair[1][0])
        y = above + (below - above) * (x - left) / (right - left)
        values.append(round(10 ** ((Y1 - y) / DECADE), 4))
    return values


def main():
    models = [{"model": name, "hidden_size": d, "entropy": entropies(corners)} for name, (d, corners) in CURVES.items()]
    lines = ",\n".join(json.dumps(model) for model in models)
    source = "read off Fig. 5 of arXiv 2404.07647v1: KL(sigma || u) of LM heads of Pythia, at 1000, 2000 .. 143000 steps"
    text = f'{{"source": {json.dumps(source)},\n"models": [\n{lines}\n]}}\n'
    pathlib.Path(__file__).with_name("fig5.json").write_text(text)


if __name__ == "__main__":
    main()
