"""Learn to add: read "535+61" one character at a time, and write "596", with an LSTM that encodes and one that decodes.

A sum is a sequence of characters, and so is its answer. The first LSTM reads the question into one vector; the vector
is repeated once for every character of the answer, and the second LSTM turns it into those. The question is read
backwards, which brings the digits that decide the answer's first character closer to it (Sutskever, Vinyals and Le,
"Sequence to Sequence Learning with Neural Networks", 2014). No question is seen in two orders: who learned 12+3 has to
work out neither 12+3 nor 3+12 in the test::

    python examples/addition.py                              # two digits, 5,000 sums
    python examples/addition.py --digits 3 --sums 50000 --epochs 100

Expected, from the example ``addition_rnn`` of Keras: two digits and 5,000 sums give 99 % of the characters right, in
training and test, after 55 epochs (three digits and 50,000 sums after 100). Measured here for two digits, as the mean
of three seeds, on two cores: 99.9 % of the test characters (99.7 % of whole sums) and 99.3 % in training, in 37
seconds.
"""

import argparse
import time

import numpy as np

import nnlite as keras
from nnlite import layers

CHARACTERS = "0123456789+ "


def encode(texts: list[str]) -> np.ndarray:
    """Texts of one length as one-hot rows, (texts, length, 12)."""
    indices = np.array([[CHARACTERS.index(character) for character in text] for text in texts])
    return keras.utils.to_categorical(indices, len(CHARACTERS))


def decode(rows: np.ndarray) -> list[str]:
    """The most probable character of each row, as texts."""
    return ["".join(CHARACTERS[index] for index in text) for text in rows.argmax(-1)]


def make_sums(number: int, digits: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Different sums of two numbers of up to so many digits: questions, written backwards, and answers."""
    pairs = (10**digits) * (10**digits + 1) // 2
    if number > pairs:
        raise ValueError(f"There are {pairs} different sums of numbers of up to {digits} digits, not {number}.")
    rng = np.random.default_rng(seed)
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    while len(seen) < number:
        a, b = (int(rng.integers(10 ** int(rng.integers(1, digits + 1)))) for _ in range(2))
        seen.setdefault((min(a, b), max(a, b)), (a, b))
    questions = [f"{a}+{b}".ljust(2 * digits + 1)[::-1] for a, b in seen.values()]
    answers = [str(a + b).ljust(digits + 1) for a, b in seen.values()]
    return questions, answers


def build_model(digits: int, units: int = 128) -> keras.Sequential:
    """An LSTM that reads, and one that writes."""
    model = keras.Sequential(
        [
            layers.Input((2 * digits + 1, len(CHARACTERS))),
            layers.LSTM(units),
            layers.RepeatVector(digits + 1),
            layers.LSTM(units, return_sequences=True),
            layers.Dense(len(CHARACTERS), activation="softmax"),
        ],
        name="addition",
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def main(digits: int = 2, sums: int = 5000, epochs: int = 55, seed: int = 0, verbose: bool = True) -> float:
    """Train with nine tenths of the sums; return the share of the other's characters that is right."""
    keras.utils.set_random_seed(seed)
    questions, answers = make_sums(sums, digits, seed)
    x, y, split = encode(questions), encode(answers), sums - sums // 10
    model = build_model(digits)
    if verbose:
        model.summary()
    start = time.perf_counter()
    history = model.fit(
        x[:split],
        y[:split],
        batch_size=32,
        epochs=epochs,
        validation_data=(x[split:], y[split:]),
        verbose="auto" if verbose else 0,
    )
    seconds = time.perf_counter() - start
    written = decode(model.predict(x[split:], verbose=0))
    for question, answer, text in list(zip(questions[split:], answers[split:], written, strict=True))[:10]:
        print(f"{question[::-1]} = {text} {'right' if text == answer else 'wrong, ' + answer}")
    accuracy = history.history["val_accuracy"][-1]
    whole = np.mean([text == answer for text, answer in zip(written, answers[split:], strict=True)])
    print(
        f"seed {seed}: {accuracy:.2%} of the characters and {whole:.2%} of the sums right, "
        f"{history.history['accuracy'][-1]:.2%} in training; trained in {seconds:.1f} s"
    )
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=2, help="of each number, at most")
    parser.add_argument("--sums", type=int, default=5000, help="nine tenths of them to train with")
    parser.add_argument("--epochs", type=int, default=55)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    found = [main(arguments.digits, arguments.sums, arguments.epochs, seed) for seed in arguments.seeds]
    if len(found) > 1:
        print(f"mean of {len(found)} seeds: {np.mean(found):.2%}")
